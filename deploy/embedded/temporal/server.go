package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	temporalserver "go.temporal.io/server/temporal"
)

// readyPatience bounds how long the services may take from started to serving.
const readyPatience = 30 * time.Second

// Server is a running Temporal service.
type Server struct {
	config       Config
	frontendPort int
	stop         func() error
}

// Start brings the databases up to date and runs the service. It returns when a client can start workflows in the
// namespace and find them by Rapport's search attributes. A port that is taken is reported as a *[PortError].
// Cancelling ctx ends a start under way at its next step; it does not stop a running service, [Server.Stop] does.
func Start(ctx context.Context, c Config) (*Server, error) {
	c = c.withDefaults()
	if err := checkPorts(ctx, c); err != nil {
		return nil, err
	}
	main, visibility, err := c.databases()
	if err != nil {
		return nil, err
	}
	log := newLogger(c.Logger)
	if err := prepareDatabases(main, visibility, log); err != nil {
		return nil, err
	}
	if err := prepareNamespace(ctx, c, main, log); err != nil {
		return nil, err
	}
	ports, err := choosePorts(ctx, c)
	if err != nil {
		return nil, err
	}
	services, err := startServices(c, main, visibility, ports, log)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, frontendPort: ports.frontend}
	stopUI := func() {}
	s.stop = sync.OnceValue(func() error {
		log.serving.Store(false)
		stopUI()
		return services.Stop()
	})
	if err := s.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if c.UIPort != 0 {
		stopUI, err = startUI(ctx, c, s.Address())
		if err != nil {
			return nil, errors.Join(err, s.stop())
		}
	}
	log.serving.Store(true)
	return s, nil
}

func choosePorts(ctx context.Context, c Config) (endpoints, error) {
	free, err := freePorts(ctx, 4)
	if err != nil {
		return endpoints{}, err
	}
	ports := endpoints{frontend: free[0], history: free[1], matching: free[2], worker: free[3]}
	if c.FrontendPort != 0 {
		ports.frontend = c.FrontendPort
	}
	return ports, nil
}

// startServices runs the four services. What the server would die of becomes an error.
func startServices(c Config, main, visibility database, ports endpoints, log logger) (services temporalserver.Server, err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case fatal:
			services, err = nil, fmt.Errorf("start temporal: %w", reason)
		default:
			panic(reason)
		}
	}()
	services, err = temporalserver.NewServer(
		temporalserver.WithConfig(serverConfig(c, main, visibility, ports)),
		temporalserver.ForServices(temporalserver.DefaultServices),
		temporalserver.WithStaticHosts(hosts(c, ports)),
		temporalserver.WithDynamicConfigClient(profile()),
		temporalserver.WithLogger(log),
	)
	if err != nil {
		return nil, fmt.Errorf("set up temporal: %w", err)
	}
	if err := services.Start(); err != nil {
		return nil, fmt.Errorf("start temporal: %w", err)
	}
	return services, nil
}

// awaitReady returns when the frontend answers, the history shards are owned, and the search attributes can be queried.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	c, err := client.NewLazyClient(client.Options{
		HostPort:  s.Address(),
		Namespace: s.config.Namespace,
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return fmt.Errorf("make temporal client: %w", err)
	}
	defer c.Close()
	for {
		err = probe(ctx, c, s.config.Namespace)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for temporal to be ready: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// probe asks after workflows that do not exist: enough of them to meet every shard.
func probe(ctx context.Context, c client.Client, namespace string) error {
	for i := range 4 * historyShards {
		_, err := c.DescribeWorkflowExecution(ctx, fmt.Sprintf("ready/%d", i), "")
		if missing := (*serviceerror.NotFound)(nil); !errors.As(err, &missing) {
			return fmt.Errorf("history is not ready: %w", err)
		}
	}
	for _, attribute := range SearchAttributes() {
		_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: namespace,
			Query:     attribute + " = 'ready'",
		})
		if err != nil {
			return fmt.Errorf("search attribute %s is not ready: %w", attribute, err)
		}
	}
	return nil
}

// Address returns the frontend's host:port for clients and workers on this machine.
func (s *Server) Address() string { return s.config.reachable(s.frontendPort) }

// UIAddress returns the URL of the Temporal UI, or "" when there is none.
func (s *Server) UIAddress() string {
	if s.config.UIPort == 0 {
		return ""
	}
	return "http://" + s.config.reachable(s.config.UIPort)
}

// Namespace returns the name of the namespace.
func (s *Server) Namespace() string { return s.config.Namespace }

// Stop ends the UI and the services. Calling it again returns the same result.
func (s *Server) Stop() error { return s.stop() }
