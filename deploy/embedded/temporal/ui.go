package temporal

import (
	"context"
	"fmt"
	"net/http"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
)

// startUI serves the Temporal UI and returns when it answers. Its port was found free before.
func startUI(ctx context.Context, c Config, frontend string) (stop func(), err error) {
	ui := uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
		TemporalGRPCAddress: frontend,
		Host:                c.Host,
		Port:                c.UIPort,
		EnableUI:            true,
		DefaultNamespace:    c.Namespace,
		DisableNewsFetch:    true,
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // served over plain HTTP, for this machine
	}))
	go func() {
		if err := ui.Start(); err != nil {
			c.Logger.ErrorContext(ctx, "temporal UI ended", "error", err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	for {
		err := getHealth(ctx, "http://"+c.reachable(c.UIPort)+"/healthz")
		if err == nil {
			return ui.Stop, nil
		}
		select {
		case <-ctx.Done():
			ui.Stop()
			return nil, fmt.Errorf("wait for the temporal UI to be ready: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func getHealth(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	return nil
}
