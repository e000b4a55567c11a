// Command rapport runs and operates Rapport, a self-hosted automation platform for candidate relationship management.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // candidates' zones, also where the system has no time zone database

	"github.com/rapport-crm/rapport/deploy/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
