package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

var errNoBrowser = errors.New("no browser")

const (
	pictureHeight = 4000 // more than a mail is long; what is empty below it is cut off
	pictureMargin = 24
	pictureTime   = 30 * time.Second
)

// camera draws pages by a browser without a window.
type camera struct {
	browser string
	dark    bool
}

// findCamera looks for a Chromium, unless one is named. The error is errNoBrowser when there is none.
func findCamera(browser string, dark bool) (*camera, error) {
	if browser != "" {
		path, err := exec.LookPath(browser)
		if err != nil {
			return nil, fmt.Errorf("find browser: %w", err)
		}
		return &camera{path, dark}, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"} {
		if path, err := exec.LookPath(name); err == nil {
			return &camera{path, dark}, nil
		}
	}
	return nil, errNoBrowser
}

// shoot returns a picture of a page, in PNG. Nothing is loaded over the network: pictures of a mail would tell its sender.
func (c *camera) shoot(ctx context.Context, page string, width int) ([]byte, error) {
	folder, err := os.MkdirTemp("", "rapport-preview")
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(folder)
	source, target := filepath.Join(folder, "mail.html"), filepath.Join(folder, "mail.png")
	if err := os.WriteFile(source, []byte(page), 0o600); err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	scheme := "1"
	if c.dark {
		scheme = "0"
	}
	ctx, cancel := context.WithTimeout(ctx, pictureTime)
	defer cancel()
	args := []string{
		"--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + filepath.Join(folder, "profile"),
		"--blink-settings=preferredColorScheme=" + scheme,
		"--window-size=" + strconv.Itoa(width) + "," + strconv.Itoa(pictureHeight), "--screenshot=" + target,
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium refuses to run as root otherwise
	}
	args = append(args, (&url.URL{Scheme: "file", Path: source}).String())
	said, err := exec.CommandContext(ctx, c.browser, args...).CombinedOutput() //nolint:gosec // the person who runs the command named it, or it is the system's
	if err != nil {
		return nil, fmt.Errorf("draw picture: %w: %s", err, bytes.TrimSpace(said[max(0, len(said)-300):]))
	}
	raw, err := os.ReadFile(target) //nolint:gosec // a name of our own
	if err != nil {
		return nil, fmt.Errorf("draw picture: %w", err)
	}
	return crop(raw)
}

// crop cuts off what is empty at the end of a picture.
func crop(raw []byte) ([]byte, error) {
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	size := picture.Bounds()
	empty := picture.At(size.Min.X, size.Max.Y-1)
	end := size.Max.Y
rows:
	for ; end > size.Min.Y+1; end-- {
		for x := size.Min.X; x < size.Max.X; x++ {
			if picture.At(x, end-1) != empty {
				break rows
			}
		}
	}
	cut := image.NewRGBA(image.Rect(0, 0, size.Dx(), min(end+pictureMargin, size.Max.Y)-size.Min.Y))
	draw.Draw(cut, cut.Bounds(), picture, size.Min, draw.Src)
	var out bytes.Buffer
	if err := png.Encode(&out, cut); err != nil {
		return nil, fmt.Errorf("write picture: %w", err)
	}
	return out.Bytes(), nil
}
