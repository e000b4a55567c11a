package api_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/api"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

const (
	axeVersion   = "4.10.3"
	axeIntegrity = "sha512-Xm7bpRXnDSX2YE2YFfBk2FnF0ep6tmG7xPh8iHee8MIcrgq762Nkce856dYtJYLkuIoYZvGfTs/PbZhideTcEg=="
	axeMarker    = "axe-violations:"
)

// axe returns the source of axe-core, from npm or from the cache. A package that is not the one that was pinned is an error.
func axe(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "rapport-test")
	packed := filepath.Join(folder, "axe-core-"+axeVersion+".tgz")
	if _, err := os.Stat(packed); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return "", err
		}
		into, err := os.MkdirTemp(folder, "pack")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(into)
		pack := exec.CommandContext(ctx, "npm", "pack", "--silent", "axe-core@"+axeVersion)
		pack.Dir = into
		if said, err := pack.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm pack: %w: %s", err, said)
		}
		if err := os.Rename(filepath.Join(into, filepath.Base(packed)), packed); err != nil {
			return "", err
		}
	}
	raw, err := os.ReadFile(packed)
	if err != nil {
		return "", err
	}
	if sum := sha512.Sum512(raw); "sha512-"+base64.StdEncoding.EncodeToString(sum[:]) != axeIntegrity {
		_ = os.Remove(packed)
		return "", errors.New("axe-core is not the package that was pinned")
	}
	return unpack(raw, "package/axe.min.js")
}

func unpack(raw []byte, name string) (string, error) {
	zipped, err := gzip.NewReader(strings.NewReader(string(raw)))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if err != nil {
			return "", err
		}
		if header.Name == name {
			text, err := io.ReadAll(files)
			return string(text), err
		}
	}
}

// browser finds a Chromium.
func browser() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no chromium on this machine")
}

// chromium runs it on a page, without a network.
func chromium(ctx context.Context, t *testing.T, path, page string, args ...string) string {
	t.Helper()
	folder := t.TempDir()
	source := filepath.Join(folder, "page.html")
	if err := os.WriteFile(source, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	args = append([]string{
		"--headless", "--disable-gpu", "--no-first-run", "--no-sandbox", "--disable-extensions", "--disable-background-networking", "--hide-scrollbars",
		"--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + filepath.Join(folder, "profile"),
	}, args...)
	out, err := exec.CommandContext(ctx, path, append(args, (&url.URL{Scheme: "file", Path: source}).String())...).Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	return string(out)
}

// pagesOf are the pages that candidates can see, by name, in one language.
func pagesOf(t *testing.T, locale string) map[string]string {
	t.Helper()
	c := newChooser(t, object{"phone": "+447700900123", "locale": locale, "consents": []object{{"purpose": "job-alerts"}}})
	confirm := c.asked(crm.Email, "sarah.jones@example.org")
	unsubscribe := strings.TrimPrefix(api.UnsubscribeURL(publicURL, []byte(linkSecret), c.message(c.id, crm.Email, "sarah.jones@example.org")), publicURL)
	w, _, survey := asked(t)
	w.call(http.MethodPut, "/v1/candidates/by-external-id/1", object{"locale": locale}).want(200, nil)
	speaks := http.Header{"Accept-Language": {locale}}
	pages := map[string]string{
		"survey":       string(w.send(http.MethodGet, survey, speaks, nil).body),
		"survey-wrong": string(w.fill(survey, url.Values{"nps": {"11"}}).body),
		"unsubscribe":  string(c.send(http.MethodGet, unsubscribe, speaks, nil).body),
		"preferences":  string(c.send(http.MethodGet, c.path, speaks, nil).body),
		"delete":       string(c.fill(c.path, url.Values{"do": {"delete"}}).body),
		"confirm":      string(c.send(http.MethodGet, confirm, speaks, nil).body),
		"dead":         string(c.send(http.MethodGet, "/p/x", speaks, nil).body),
		"confirmed":    string(c.fill(confirm, nil).body),
		"paused":       string(c.fill(c.path, url.Values{"do": {"pause"}}).body),
		"unsubscribed": string(c.fill(unsubscribe, nil).body),
		"deleted":      string(c.fill(c.path, url.Values{"do": {"erase"}}).body),
		"survey-done":  string(w.fill(survey, url.Values{"nps": {"9"}, "pace": {"4"}, "clear": {"Yes"}}).body),
	}
	maps.Copy(pages, rightsPages(t, locale))
	maps.Copy(pages, interviewPages(t, locale))
	maps.Copy(pages, connectPages(t, locale))
	for name, page := range pages {
		if !strings.Contains(page, `<html lang="`+locale+`"`) {
			t.Errorf("%s is not in %s", name, locale)
		}
	}
	return pages
}

// rightsPages are those of a request for a copy of one's data.
func rightsPages(t *testing.T, locale string) map[string]string {
	t.Helper()
	c := newChooser(t, object{"locale": locale})
	pages := map[string]string{
		"rights-empty": string(c.fill(c.path, url.Values{"do": {"right"}, "right": {"rectification"}}).body),
		"rights-sent":  string(c.fill(c.path, url.Values{"do": {"right"}, "right": {"access"}}).body),
	}
	link := c.told(dsl.SequenceRequestConfirm, crm.EventRequestReceived)
	pages["request"] = string(c.send(http.MethodGet, link, nil, nil).body)
	pages["request-done"] = string(c.fill(link, nil).body)
	if _, err := c.store.AdvanceRequest(t.Context(), c.request().ID, ""); err != nil {
		t.Fatal(err)
	}
	data := c.told(dsl.SequenceRequestReady, crm.EventRequestReady)
	pages["data"] = string(c.send(http.MethodGet, data, nil, nil).body)
	pages["copy"] = unzipped(t, c.fill(data, nil).body)["index.html"]
	return pages
}

// connectPages are those that interviewers come back to from their calendar's provider.
func connectPages(t *testing.T, locale string) map[string]string {
	t.Helper()
	c := newConnecting(t)
	pages := map[string]string{}
	keep := func(name string, change url.Values, prepare func()) {
		v := c.open()
		prepare()
		header := http.Header{"Accept-Language": {locale}}
		maps.Copy(header, v.cookie)
		pages[name] = string(c.back(v, header, change).body)
	}
	nothing := func() {}
	keep("connect-refused", url.Values{"code": {""}}, nothing)
	keep("connect-again", url.Values{"state": {"x"}}, nothing)
	keep("connect-missing", nil, func() { c.issuer.Scope = "x" })
	keep("connect-done", nil, func() { c.issuer.Scope = "" })
	c.path = c.link()
	keep("connect-failed", nil, c.issuer.Close)
	return pages
}

// interviewPages are the pages of an interview in each of its states, for the candidate and for one who holds it.
func interviewPages(t *testing.T, locale string) map[string]string {
	t.Helper()
	l := newLoop(t, object{"locale": locale})
	speaks := http.Header{"Accept-Language": {locale}}
	pages := map[string]string{}
	keep := func(name, path string) { pages[name] = string(l.send(http.MethodGet, path, speaks, nil).body) }
	post := func(name, path string, form url.Values) {
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept-Language": {locale}}
		pages[name] = string(l.send(http.MethodPost, path, header, []byte(form.Encode())).body)
	}
	panel := l.panel(l.ada)
	keep("interview-offered", l.path)
	keep("interview-zone", l.path+"?zone=America%2FNorth_Dakota%2FNew_Salem")
	keep("panel-gone", panel)
	post("interview-wrong", l.path, url.Values{"do": {"pick"}})
	post("interview-wish-wrong", l.path, url.Values{"do": {"ask"}, "asked": {"0"}})
	l.fill(l.path, url.Values{"do": {"ask"}, "asked": {"0"}, "text": {"Evenings"}})
	keep("interview-waiting", l.path)
	l.pick(l.slot(3, 9))
	l.change(func(m *crm.Meeting) { m.Taken() })
	keep("interview-taken", l.path)
	l.fill(l.path, url.Values{"do": {"pick"}, "start": {l.slot(3, 11).StartsAt.Format(time.RFC3339)}, "needs": {"A room without steps, please.\nAnd captions."}})
	keep("interview-held", l.path)
	l.book()
	keep("interview-booked", l.path)
	post("interview-cancel", l.path, url.Values{"do": {"cancel"}})
	keep("panel-asked", panel)
	l.fill(panel, url.Values{"do": {"accept"}})
	keep("panel-accepted", panel)
	l.fill(panel, url.Values{"do": {"decline"}})
	keep("panel-declined", panel)
	l.change(func(m *crm.Meeting) { m.Moves = 2 })
	keep("interview-fixed", l.path)
	l.pass(3*24*time.Hour + time.Hour + 5*time.Minute)
	keep("interview-begun", l.path)
	keep("panel-begun", panel)
	l.pass(time.Hour)
	keep("panel-score", panel)
	post("panel-wrong", panel, url.Values{"do": {"score"}, "rating": {"4"}})
	l.fill(panel, url.Values{"do": {"score"}, "rating": {"4"}, "recommend": {"yes"}, "notes": {"Calm under pressure."}})
	keep("panel-scored", panel)
	l.change(func(m *crm.Meeting) { m.State, m.ClosedAt = crm.MeetingCompleted, l.clock() })
	keep("interview-completed", l.path)
	keep("panel-closed", panel)
	l.change(func(m *crm.Meeting) { m.State = crm.MeetingNoShow })
	keep("interview-no-show", l.path)
	l.change(func(m *crm.Meeting) { m.State = crm.MeetingCancelled })
	keep("interview-cancelled", l.path)
	keep("panel-off", panel)
	l.change(func(m *crm.Meeting) {
		*m = crm.Meeting{ID: m.ID, EnrollmentID: m.EnrollmentID, Round: m.Round, N: 1, State: crm.MeetingAsked, CreatedAt: m.CreatedAt}
	})
	keep("interview-asked", l.path)
	return pages
}

// TestPagesAreAccessible looks at every page in every language with axe-core in a real browser, in light and dark, on a phone.
// RAPPORT_SHOTS names a folder for pictures of them.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a browser is slow")
	}
	path, err := browser()
	var script string
	if err == nil {
		script, err = axe(t.Context())
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	broken := map[string]string{"broken": `<!doctype html><html><title>x</title><img src="x"><p style="color:#ccc;background:#fff">Pale</p>`}
	if found := violations(t, path, script, broken, "1")["broken"]; !strings.Contains(found, "image-alt") || !strings.Contains(found, "color-contrast") {
		t.Fatalf("axe-core does not find what is wrong: %q", found)
	}
	for _, locale := range phrases.Languages() {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			pages := pagesOf(t, locale)
			for _, scheme := range []string{"1", "0"} { // light, dark
				for name, found := range violations(t, path, script, pages, scheme) {
					t.Errorf("%s (%s): %s", name, map[string]string{"1": "light", "0": "dark"}[scheme], found)
				}
			}
			if folder := os.Getenv("RAPPORT_SHOTS"); folder != "" {
				shots(t, path, folder, locale, pages)
			}
		})
	}
}

// violations returns what axe-core finds, by page. All pages are looked at in one browser: each is opened in a frame of the same origin.
func violations(t *testing.T, path, script string, pages map[string]string, scheme string) map[string]string {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"pages": pages, "axe": script})
	if err != nil {
		t.Fatal(err)
	}
	host := `<!doctype html><meta charset="utf-8"><body><script type="application/json" id="data">` + strings.ReplaceAll(string(raw), "</", `<\/`) + `</script><script>
const {pages, axe} = JSON.parse(document.getElementById("data").textContent), found = {};
(async () => {
	for (const [name, page] of Object.entries(pages)) {
		const frame = document.createElement("iframe");
		frame.style.width = "375px"; frame.style.height = "800px";
		document.body.append(frame);
		const view = frame.contentWindow;
		view.document.open(); view.document.write(page); view.document.close();
		view.eval(axe);
		try {
			const result = await view.axe.run(view.document, {resultTypes: ["violations", "incomplete"]});
			if (view.document.documentElement.scrollWidth > 375) result.violations.push({id: "wider-than-a-phone", nodes: []});
			if (result.passes.length < 5) result.violations.push({id: "hardly-looked-at", nodes: []});
			if (result.violations.length) found[name] = result.violations.map(v => v.id + " at " + v.nodes.map(n => n.target.join(" ")).join(", ")).join("; ");
		} catch (e) { found[name] = "axe-core failed: " + e; }
		frame.remove();
	}
	document.body.textContent = "` + axeMarker + `" + JSON.stringify(found) + "\n";
})();
</script>`
	dumped := chromium(t.Context(), t, path, host, "--virtual-time-budget=60000", "--blink-settings=preferredColorScheme="+scheme, "--dump-dom")
	result := regexp.MustCompile(axeMarker + `(\{.*\})`).FindStringSubmatch(html.UnescapeString(dumped))
	if result == nil {
		t.Fatalf("no result of axe-core: %.500s", dumped)
	}
	found := map[string]string{}
	if err := json.Unmarshal([]byte(result[1]), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// shots draws pictures of the pages: on a phone, on a desktop, in the dark, and at twice the size.
func shots(t *testing.T, path, folder, locale string, pages map[string]string) {
	t.Helper()
	for name, page := range pages {
		for look, args := range map[string][]string{
			"375": {"--window-size=500,1800"}, "1280": {"--window-size=1280,1600"},
			"dark": {"--window-size=1280,1600", "--blink-settings=preferredColorScheme=0"}, "200": {"--window-size=1280,2400", "--force-device-scale-factor=2"},
		} {
			if locale != "en" && look != "375" {
				continue
			}
			shown := page
			if look == "375" { // a window is never narrower than 500 px
				shown = strings.Replace(page, "<html ", `<html style="width:375px;outline:1px solid #888" `, 1)
			}
			chromium(t.Context(), t, path, shown, append(args, "--screenshot="+filepath.Join(folder, locale+"-"+name+"-"+look+".png"))...)
		}
	}
}
