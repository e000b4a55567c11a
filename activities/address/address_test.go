package address_test

import (
	"net/netip"
	"testing"

	"github.com/rapport-crm/rapport/activities/address"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	const (
		never = iota
		inside
		public
	)
	for addr, want := range map[string]int{
		"93.184.215.14":             public,
		"1.1.1.1":                   public,
		"100.63.255.255":            public,
		"100.128.0.0":               public,
		"172.15.255.255":            public,
		"172.32.0.1":                public,
		"198.17.255.255":            public,
		"198.20.0.0":                public,
		"223.255.255.255":           public,
		"2606:2800:21f:cb07::1":     public,
		"2a00:1450:4001::200e":      public,
		"::ffff:93.184.215.14":      public,
		"64:ff9b::5db8:d70e":        public, // NAT64 of 93.184.215.14
		"127.0.0.1":                 inside,
		"127.255.255.254":           inside,
		"::1":                       inside,
		"10.0.0.1":                  inside,
		"172.16.0.1":                inside,
		"172.31.255.255":            inside,
		"192.168.1.1":               inside,
		"fd12:3456::1":              inside,
		"fc00::1":                   inside,
		"::ffff:127.0.0.1":          inside,
		"::ffff:10.1.2.3":           inside,
		"64:ff9b::7f00:1":           inside, // NAT64 of 127.0.0.1
		"64:ff9b::a00:1":            inside,
		"0.0.0.0":                   never,
		"0.1.2.3":                   never,
		"::":                        never,
		"100.64.0.1":                never,
		"100.100.100.200":           never, // metadata, Alibaba
		"100.127.255.255":           never,
		"169.254.169.254":           never,
		"::ffff:169.254.169.254":    never,
		"64:ff9b::a9fe:a9fe":        never,
		"::ffff:0:169.254.169.254":  never, // RFC 2765
		"::169.254.169.254":         never, // IPv4-compatible
		"64:ff9b:1::a9fe:a9fe":      never,
		"2002:a9fe:a9fe::1":         never, // 6to4 of 169.254.169.254
		"2002:7f00:1::":             never,
		"2002:c0a8:101::1":          never,
		"fd00:ec2::254":             never,
		"fd20:ce::254":              never,
		"fd00:ec2::254%eth0":        never,
		"168.63.129.16":             never,
		"192.0.0.192":               never,
		"192.0.2.1":                 never,
		"192.88.99.1":               never,
		"198.18.0.1":                never,
		"198.19.255.255":            never,
		"198.51.100.7":              never,
		"203.0.113.9":               never,
		"224.0.0.1":                 never,
		"239.255.255.250":           never,
		"240.0.0.1":                 never,
		"255.255.255.255":           never,
		"fe80::1":                   never,
		"fe80::1%eth0":              never,
		"2606:2800:21f:cb07::1%lo0": never,
		"fec0::1":                   never,
		"ff02::1":                   never,
		"100::1":                    never, // discard
		"2001::1":                   never, // Teredo
		"2001:2::1":                 never,
		"2001:db8::1":               never,
		"3fff::1":                   never,
		"5f00::1":                   never,
	} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			to := netip.AddrPortFrom(netip.MustParseAddr(addr), 443)
			if got := address.NewGuard(false).Permits(to); got != (want == public) {
				t.Errorf("permitted: %t", got)
			}
			if got := address.NewGuard(true).Permits(to); got != (want != never) {
				t.Errorf("permitted where private addresses are: %t", got)
			}
		})
	}
}
