// Command regrant-demo shows and proves Regrant's main job on a real
// database behind a real SSH bastion. See package demo.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/regrant/regrant/internal/demo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "regrant-demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("regrant-demo", flag.ContinueOnError)
	bin := flags.String("regrant", "bin/regrant", "path of the regrant binary")
	listen := flags.String("listen", "127.0.0.1:8420", "address of the demo's server")
	engines := flags.String("engines", "postgresql,mariadb,mysql", "databases whose stories check plays")
	rounds := flags.Int("rounds", 200, "kills of a soak")
	seed := flags.Uint64("seed", 1, "of a soak's random moments")
	if len(args) == 0 {
		return fmt.Errorf("usage: regrant-demo run|check|soak|bench [flags]")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "run":
		return demo.Run(ctx, demo.LargeConfig(*bin, *listen, os.Stdout), os.Stdin)
	case "check":
		return demo.Check(ctx, demo.LargeConfig(*bin, "", os.Stdout), strings.Split(*engines, ","))
	case "bench":
		return demo.Bench(ctx, demo.LargeConfig(*bin, "", os.Stdout))
	case "soak":
		return demo.Soak(ctx, demo.LargeConfig(*bin, "", os.Stdout), *rounds, *seed)
	default:
		return fmt.Errorf("unknown word %q: run, check, soak or bench", args[0])
	}
}
