package temporal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// PortError is one sentence for the person who started the service: which port it cannot have and what to do.
type PortError struct {
	Port int
	// Purpose is what the port is for, "temporal" or "the temporal UI".
	Purpose string
	// Flag is the option of `rapport up` that sets the port.
	Flag string
	Err  error
}

// Error returns the sentence.
func (e *PortError) Error() string {
	if errors.Is(e.Err, syscall.EADDRINUSE) {
		return fmt.Sprintf("port %d, meant for %s, is in use by another program; stop that one or choose another port with %s", e.Port, e.Purpose, e.Flag)
	}
	return fmt.Sprintf("port %d, meant for %s, cannot be used (%v); choose another port with %s", e.Port, e.Purpose, e.Err, e.Flag)
}

// Unwrap returns the cause.
func (e *PortError) Unwrap() error { return e.Err }

// checkPorts finds busy ports before the server does, which would end the process.
func checkPorts(ctx context.Context, c Config) error {
	if c.FrontendPort != 0 {
		if err := tryPort(ctx, c.Host, c.FrontendPort); err != nil {
			return &PortError{Port: c.FrontendPort, Purpose: "temporal", Flag: "--temporal-port", Err: err}
		}
	}
	if c.UIPort != 0 {
		if err := tryPort(ctx, c.Host, c.UIPort); err != nil {
			return &PortError{Port: c.UIPort, Purpose: "the temporal UI", Flag: "--ui-port", Err: err}
		}
	}
	return nil
}

func tryPort(ctx context.Context, host string, port int) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return listener.Close()
}
