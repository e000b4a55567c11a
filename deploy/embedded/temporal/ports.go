package temporal

import (
	"context"
	"errors"
	"math/rand/v2"
)

const (
	loopback = "127.0.0.1"
	// Ports are taken from below the range that systems use for outgoing connections, and below 32768, because the
	// server's membership table stores ports in a SMALLINT.
	firstPort, lastPort = 20000, 32000
)

// freePorts finds n different free ports on the loopback address.
func freePorts(ctx context.Context, n int) ([]int, error) {
	taken := map[int]bool{}
	ports := make([]int, 0, n)
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + rand.IntN(lastPort-firstPort) //nolint:gosec // nothing secret about it
		if !taken[port] && tryPort(ctx, loopback, port) == nil {
			taken[port] = true
			ports = append(ports, port)
		}
	}
	return nil, errors.New("temporal found no free port between 20000 and 32000 on 127.0.0.1; close some programs and start again")
}
