package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store/seal"
)

const secret = crm.Secret("correct horse battery staple")

func keys(t *testing.T, current string, older ...string) *seal.Keys {
	t.Helper()
	k, err := seal.Parse(current, older...)
	if err != nil {
		t.Fatal(err)
	}
	return &k
}

func TestSealed(t *testing.T) {
	t.Parallel()
	k := keys(t, seal.Make())
	for _, secret := range []crm.Secret{secret, "", "x", crm.Secret(strings.Repeat("long ", 1000))} {
		sealed, err := k.Seal(secret, "cal_1")
		if err != nil || len(secret) > 4 && bytes.Contains(sealed, []byte(secret)[:5]) {
			t.Fatalf("%q, %v", sealed, err)
		}
		if opened, err := k.Open(sealed, "cal_1"); err != nil || string(opened) != string(secret) {
			t.Errorf("opened %q, %v", string(opened), err)
		}
		again, err := k.Seal(secret, "cal_1")
		if err != nil || bytes.Equal(sealed, again) {
			t.Errorf("sealed alike twice, %v", err)
		}
		if _, err := k.Open(sealed, "cal_2"); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("it opens elsewhere: %v", err)
		}
		for i := range sealed {
			changed := slices.Clone(sealed)
			changed[i] ^= 1
			if _, err := k.Open(changed, "cal_1"); !errors.Is(err, seal.ErrOpen) {
				t.Fatalf("byte %d was changed: %v", i, err)
			}
			if _, err := k.Open(sealed[:i], "cal_1"); !errors.Is(err, seal.ErrOpen) {
				t.Fatalf("cut at %d: %v", i, err)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	first, second := seal.Make(), seal.Make()
	before := keys(t, first)
	sealed, err := before.Seal(secret, "p")
	if err != nil || before.Old(sealed) {
		t.Fatalf("old at once, %v", err)
	}
	both := keys(t, second, first, "")
	if opened, err := both.Open(sealed, "p"); err != nil || string(opened) != string(secret) || !both.Old(sealed) {
		t.Errorf("%q, %v, old %v", string(opened), err, both.Old(sealed))
	}
	anew, err := both.Seal(secret, "p")
	if err != nil || both.Old(anew) {
		t.Fatalf("old at once, %v", err)
	}
	after := keys(t, second)
	if opened, err := after.Open(anew, "p"); err != nil || string(opened) != string(secret) {
		t.Errorf("%q, %v", string(opened), err)
	}
	if _, err := after.Open(sealed, "p"); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("the old key is gone: %v", err)
	}
	if _, err := before.Open(anew, "p"); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("the new key is not known: %v", err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	none := keys(t, "")
	if _, err := none.Seal(secret, "p"); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("sealed by nothing: %v", err)
	}
	if _, err := none.Open([]byte("x"), "p"); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("opened by nothing: %v", err)
	}
	short := base64.StdEncoding.EncodeToString([]byte("too short"))
	for name, given := range map[string][]string{
		"no base64": {"not a key!"}, "short": {short}, "an old one is short": {seal.Make(), short}, "only an old one": {"", seal.Make()},
	} {
		if _, err := seal.Parse(given[0], given[1:]...); err == nil || strings.Contains(err.Error(), short) || strings.Contains(err.Error(), "not a key!") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if fmt.Sprint(none.Ready(), keys(t, " "+seal.Make()+"\n").Ready()) != "false true" {
		t.Error("a key is ready when it is there")
	}
}
