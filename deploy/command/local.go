package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rapport-crm/rapport/api/client"
	"github.com/rapport-crm/rapport/deploy/local"
)

// remote are the flags of commands that speak to a server.
type remote struct{ url, key, data string }

func (r *remote) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&r.url, "url", "", "the server; default: the one that 'rapport up' runs in this folder")
	f.StringVar(&r.key, "api-key", "", "the key; default: the one that 'rapport up' made")
	f.StringVar(&r.data, "data", "./.rapport", "the data folder of a local 'rapport up'")
}

// open returns a client of the server that was named, else of the one that runs here.
func (r *remote) open() (*client.Client, error) {
	url, key := r.url, r.key
	if url == "" {
		raw, err := os.ReadFile(filepath.Join(r.data, local.File))
		if err != nil {
			return nil, errors.New("no server is known: run `rapport up` in this folder, or set RAPPORT_URL and RAPPORT_API_KEY")
		}
		var here local.Address
		if err := json.Unmarshal(raw, &here); err != nil {
			return nil, fmt.Errorf("read %s: %w", local.File, err)
		}
		url = here.URL
	}
	if key == "" {
		raw, err := os.ReadFile(filepath.Join(r.data, local.KeyFile))
		if err != nil {
			return nil, errors.New("no API key is known: set RAPPORT_API_KEY, or run the command where `rapport up` runs")
		}
		key = strings.TrimSpace(string(raw))
	}
	return client.New(url, key), nil
}
