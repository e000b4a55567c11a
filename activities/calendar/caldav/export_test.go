package caldav

import "net/url"

// Resolve reads an address that a server gives for something of its own.
func Resolve(base, href string) (string, error) {
	from, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	to, err := resolve(from, href)
	if err != nil {
		return "", err
	}
	return to.String(), nil
}
