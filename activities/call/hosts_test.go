package call_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/activities/call"
)

func listed() call.Config {
	return call.Config{Hosts: []string{
		"Hooks.Example.com", "*.example.org", "api.example.net:8443", "bücher.example", "*.münchen.example", "93.184.215.14", "[2606:2800:21f::1]:8443",
	}}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ url, want string }{
		"as listed":                  {"https://hooks.example.com/a?b=c", "https://hooks.example.com/a?b=c"},
		"the case does not matter":   {"HTTPS://HOOKS.example.COM/A", "https://hooks.example.com/A"},
		"the root's dot":             {"https://hooks.example.com./", "https://hooks.example.com/"},
		"the scheme's port":          {"https://hooks.example.com:443/", "https://hooks.example.com/"},
		"a fragment is not sent":     {"https://hooks.example.com/a#b", "https://hooks.example.com/a"},
		"a space in the query":       {"https://hooks.example.com/?n=Anna Lee+é%20x", "https://hooks.example.com/?n=Anna%20Lee+%C3%A9%20x"},
		"full-width letters":         {"https://\uff48ooks\uff0eexample\u3002com/", "https://hooks.example.com/"},
		"below a wildcard":           {"https://a.example.org/", "https://a.example.org/"},
		"far below a wildcard":       {"https://a.b.c.example.org/", "https://a.b.c.example.org/"},
		"the listed port":            {"https://api.example.net:8443/", "https://api.example.net:8443/"},
		"a port with zeros":          {"https://api.example.net:08443/", "https://api.example.net:8443/"},
		"letters beyond ASCII":       {"https://BÜCHER.example/", "https://xn--bcher-kva.example/"},
		"punycode of them":           {"https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"},
		"escaped letters":            {"https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/"},
		"wildcard beyond ASCII":      {"https://a.xn--mnchen-3ya.example/", "https://a.xn--mnchen-3ya.example/"},
		"a listed address":           {"https://93.184.215.14/", "https://93.184.215.14/"},
		"a listed IPv6 address":      {"https://[2606:2800:021f:0::1]:8443/", "https://[2606:2800:21f::1]:8443/"},
		"mapped form of an address":  {"https://[::ffff:93.184.215.14]/", "https://93.184.215.14/"},
		"another host":               {"https://example.com/", call.ReasonHostNotAllowed},
		"a host that begins so":      {"https://hooks.example.com.evil.example/", call.ReasonHostNotAllowed},
		"a host that ends so":        {"https://evilhooks.example.com/", call.ReasonHostNotAllowed},
		"a wildcard is not itself":   {"https://example.org/", call.ReasonHostNotAllowed},
		"a wildcard begins at a dot": {"https://evilexample.org/", call.ReasonHostNotAllowed},
		"nothing below a wildcard":   {"https://.example.org/", call.ReasonHostNotAllowed},
		"two dots":                   {"https://hooks.example.com../", call.ReasonHostNotAllowed},
		"another port":               {"https://hooks.example.com:8443/", call.ReasonHostNotAllowed},
		"not the listed port":        {"https://api.example.net/", call.ReasonHostNotAllowed},
		"a long dash":                {"https://hooks–example.com/", call.ReasonHostNotAllowed},
		"an address in hexadecimal":  {"https://0x5db8d70e/", call.ReasonHostNotAllowed},
		"an address as one number":   {"https://1572394766/", call.ReasonHostNotAllowed},
		"an address with a zone":     {"https://[2606:2800:21f::1%25eth0]:8443/", call.ReasonHostNotAllowed},
		"a user":                     {"https://hooks.example.com@evil.example/", call.ReasonBadURL},
		"a listed host with a user":  {"https://u:p@hooks.example.com/", call.ReasonBadURL},
		"a backslash":                {`https://evil.example\@hooks.example.com/`, call.ReasonBadURL},
		"no host":                    {"https:///a", call.ReasonBadURL},
		"opaque":                     {"https:hooks.example.com", call.ReasonBadURL},
		"a port of 0":                {"https://hooks.example.com:0/", call.ReasonBadURL},
		"a port beyond all":          {"https://hooks.example.com:65979/", call.ReasonBadURL}, // 443 in 16 bits
		"a line break":               {"https://hooks.example.com/\r\nX: y", call.ReasonBadURL},
		"plain HTTP":                 {"http://hooks.example.com/", call.ReasonBadScheme},
		"a file":                     {"file:///etc/passwd", call.ReasonBadScheme},
		"no scheme":                  {"//hooks.example.com/", call.ReasonBadScheme},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, got := call.New(listed()).Target(tc.url)
			if to != nil {
				got = to.String()
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := listed()
	good.Secrets = map[string]string{"ats": "token"}
	if err := good.Check(); err != nil {
		t.Errorf("a good configuration: %v", err)
	}
	for _, host := range []string{
		"", "*", "*.", "*.com", "a.*.example.com", "*example.com", "https://example.com", "example.com/hooks", "example.com:", "example.com:0",
		"example.com:https", "example.com:70000", "exa mple.com", "*.0.0.1", "*.93.184.215.14", "127.1", "0x7f.0x1", "fe80::1%eth0", "user@example.com", "a..example",
	} {
		t.Run("host "+host, func(t *testing.T) {
			t.Parallel()
			config := call.Config{Hosts: []string{host, "hooks.example.com"}}
			if err := config.Check(); err == nil || !strings.Contains(err.Error(), "\""+host+"\"") {
				t.Errorf("got %v", err)
			}
			for _, url := range []string{"https://example.com/", "https://www.example.com/", "https://127.0.0.1/", "https://x/"} {
				if _, reason := call.New(config).Target(url); reason != call.ReasonHostNotAllowed {
					t.Errorf("%s: got %q", url, reason)
				}
			}
		})
	}
	bad := call.Config{Secrets: map[string]string{"empty": "", "broken": "to-ken\n"}}
	err := bad.Check()
	if err == nil || !strings.Contains(err.Error(), `"empty"`) || !strings.Contains(err.Error(), `"broken"`) || strings.Contains(err.Error(), "to-ken") {
		t.Errorf("secrets: got %v", err)
	}
}

// Whatever the address, what is asked is on the list, by a check as plain as can be; and asking the same again changes nothing.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		"https://hooks.example.com/a?b", "https://a.example.org", "https://api.example.net:8443", "https://bücher.example", "https://[::ffff:93.184.215.14]",
		"https://hooks。example.com", "https://a@b", "https://hooks.example.com.:443", "https://[2606:2800:21f::1%25x]:8443", "https://%68ooks.example.com",
		"https://a.example.org:65979/\\", "https://xn--hooks-.example.org", "https://1.example.org.127.1",
	} {
		f.Add(seed)
	}
	client := call.New(listed())
	exact := []string{
		"hooks.example.com", "api.example.net:8443", "xn--bcher-kva.example", "93.184.215.14", "[2606:2800:21f::1]:8443",
	}
	f.Fuzz(func(t *testing.T, raw string) {
		to, reason := client.Target(raw)
		if to == nil {
			if reason == "" {
				t.Fatal("refused without a reason")
			}
			return
		}
		below := strings.HasSuffix(to.Host, ".example.org") || strings.HasSuffix(to.Host, ".xn--mnchen-3ya.example")
		if reason != "" || to.Scheme != "https" || to.User != nil || !below && !slices.Contains(exact, to.Host) {
			t.Fatalf("%q would be asked: %s", raw, to)
		}
		if strings.Trim(to.Host, "abcdefghijklmnopqrstuvwxyz0123456789-.[]:") != "" {
			t.Fatalf("%q is not a plain host", to.Host)
		}
		again, reason := client.Target(to.String())
		if again == nil || again.String() != to.String() {
			t.Fatalf("%q became %s, and that %v %s", raw, to, again, reason)
		}
	})
}
