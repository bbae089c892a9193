"""The screens. They draw what the layers below computed; they decide nothing."""
