// The live tests' control plane in one program: `rig etcd FLAGS...` and `rig kube-apiserver FLAGS...`,
// each the upstream program with its own flags.
package main

import (
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // CronJob validation asks for time zones; the host may have none

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	if os.Getenv("RIG_FOLLOWS_STDIN") != "" {
		// A test run that was killed closes the pipe: no server outlives its tests.
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	name := os.Args[1]
	// Both programs read os.Args themselves.
	os.Args = append([]string{name}, os.Args[2:]...)
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(app.NewAPIServerCommand()))
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: rig etcd|kube-apiserver FLAGS...")
	os.Exit(2)
}
