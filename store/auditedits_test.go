package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rapport-crm/rapport/crm"
)

// vandal is whoever owns the database: the trigger does not stop them.
type vandal struct {
	*bundle

	conn    *pgx.Conn
	dice    *rand.Rand
	entries int
	check   crm.AuditCheck
}

// newVandal makes a log in which every entry is about two people, one of whom is erased in the first, with a checkpoint of it.
func newVandal(t *testing.T, entries int) *vandal {
	t.Helper()
	v := &vandal{bundle: setup(t), dice: rand.New(rand.NewPCG(1, 2)), entries: entries + 1} // and the entry of the erasure
	ids := []string{v.candidate(t, "ana"), v.candidate(t, "ben"), v.candidate(t, "cem")}
	for i := range entries {
		if err := v.Audit(crm.WithActor(t.Context(), fmt.Sprintf("key_%d", i)), read(ids[min(i, 1)], ids[2])); err != nil {
			t.Fatal(err)
		}
	}
	v.eraseNow(t, ids[0])
	span, err := v.AuditSpan(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	mark, err := v.SignCheckpoint(span)
	if err != nil {
		t.Fatal(err)
	}
	v.check = crm.AuditCheck{Key: publicKey(), Whole: true, Checkpoints: []crm.SignedCheckpoint{mark}}
	v.pass(time.Minute)
	if v.conn, err = pgx.Connect(t.Context(), v.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.conn.Close(t.Context()) })
	if _, err := v.conn.Exec(t.Context(), "set session_replication_role = replica"); err != nil { // no trigger fires
		t.Fatal(err)
	}
	return v
}

// TestAuditFindsEveryEditOfTheDatabase edits rows at random, 10,000 times: in place, left out, moved and put in, what commitments are
// and what they are said to be made from, as they are or with all hashes anew.
func TestAuditFindsEveryEditOfTheDatabase(t *testing.T) {
	t.Parallel()
	v := newVandal(t, 7)
	if result, err := crm.VerifyAudit(bytes.NewReader(v.after(t, "")), v.check); err != nil || result.Openings != 13 {
		t.Fatalf("the log as it was: %+v, %v", result, err)
	}
	edits := 10_000
	if testing.Short() {
		edits = 500
	}
	for range edits {
		sql := v.edit()
		if result, err := crm.VerifyAudit(bytes.NewReader(v.after(t, sql)), v.check); err == nil {
			t.Fatalf("not found: %s (%+v)", sql, result)
		}
	}
}

// TestAuditFindsEditsAsTheServerReadsThem does the same with exports of the server.
func TestAuditFindsEditsAsTheServerReadsThem(t *testing.T) {
	t.Parallel()
	v := newVandal(t, 7)
	v.check.Key = nil // of an export that says nothing of a key
	const keep = "create table kept as select * from audit_log; create table opened as select * from audit_openings; create table head as select * from audit_head"
	const undo = "delete from audit_log; insert into audit_log select * from kept; delete from audit_openings; insert into audit_openings select * from opened; delete from audit_head; insert into audit_head select * from head"
	if _, err := v.conn.Exec(t.Context(), keep); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		sql := v.edit()
		if _, err := v.conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if result, err := crm.VerifyAudit(bytes.NewReader(exported(t, v.Store)), v.check); err == nil {
			t.Fatalf("not found: %s (%+v)", sql, result)
		}
		if _, err := v.conn.Exec(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := crm.VerifyAudit(bytes.NewReader(exported(t, v.Store)), v.check); err != nil {
		t.Fatalf("the log as it was: %v", err)
	}
}

// What opens a commitment can be taken away, by an erasure and by whoever owns the database: it does not show who was seen then, but
// still that somebody was.
func TestAuditWithoutOpeningsIsWhole(t *testing.T) {
	t.Parallel()
	v := newVandal(t, 7)
	result, err := crm.VerifyAudit(bytes.NewReader(v.after(t, "delete from audit_openings")), v.check)
	if err != nil || result.Openings != 0 || result.Last != int64(v.entries) {
		t.Errorf("%+v, %v", result, err)
	}
}

// row is an entry as it is in the database.
type row struct {
	crm.AuditLine

	Micros int64 `json:"micros"`
}

// after is an export of the log as it would be after an edit, signed by a server that knows nothing of it. The edit is taken back.
func (v *vandal) after(t *testing.T, sql string) []byte {
	t.Helper()
	results, err := v.conn.PgConn().Exec(t.Context(), "begin; "+sql+`; select (select coalesce(json_agg(json_build_object('number', number,
		'micros', (extract(epoch from at) * 1000000)::bigint, 'actor', actor, 'action', action, 'kind', kind, 'object', object, 'detail', detail,
		'commitments', nullif(to_json(commitments)::text, '[]')::json, 'previous', previous, 'hash', hash, 'openings', (select json_agg(json_build_object(
			'part', part, 'name', name, 'value', value, 'salt', encode(salt, 'hex')) order by part) from audit_openings o where o.number = l.number)) order by number), '[]')
		from audit_log l where number between 1 and h.number), h.number, h.hash from audit_head h; rollback`).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	found := results[len(results)-2].Rows[0]
	var rows []row
	if err := json.Unmarshal(found[0], &rows); err != nil {
		t.Fatal(err)
	}
	head := crm.AuditCheckpoint{At: v.now(), First: 1, Hash: string(found[2]), Whole: true}
	if head.Number, err = strconv.ParseInt(string(found[1]), 10, 64); err != nil {
		t.Fatal(err)
	}
	signed, err := head.Sign(receiptKey())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	if err := lines.Encode(signed); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		rows[i].At = time.UnixMicro(rows[i].Micros).UTC()
		if err := lines.Encode(&rows[i].AuditLine); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// edit is a random change. Those that write the chain anew, so that every hash is right again, are only found by the checkpoint.
func (v *vandal) edit() string {
	n := 1 + v.dice.IntN(v.entries)
	m := 1 + (n+v.dice.IntN(v.entries-1))%v.entries // another
	edits := append(v.ofEntries(n, m), v.ofCommitments()...)
	sql := edits[v.dice.IntN(len(edits))]
	if v.dice.IntN(2) == 0 && !strings.Contains(sql, "md5") { // that would mend it
		sql += rechain
	}
	return sql
}

// rechain writes every hash anew.
const rechain = `; do $$ declare e record; h text := ''; p text; begin for e in select * from audit_log order by number loop
	p := h;
	h := audit_sum(variadic array['rapport-audit-1', e.number::text, (extract(epoch from e.at) * 1000000)::bigint::text, e.actor, e.action, e.kind, e.object, e.detail, p] || e.commitments);
	update audit_log set hash = h, previous = p where number = e.number;
end loop; end $$` + newHead

// newHead has the head say what the last entry says.
const newHead = "; update audit_head set number = (select coalesce(max(number), 0) from audit_log), hash = coalesce((select hash from audit_log order by number desc limit 1), '')"

// ofEntries are changes of the entry n, and of it and another one.
func (v *vandal) ofEntries(n, m int) []string {
	const renumber = "; update audit_log set number = -number where number < 0"
	in := func(set string) string { return fmt.Sprintf("update audit_log set %s where number = %d", set, n) }
	return []string{
		in("at = at + interval '1 microsecond'"), in("actor = actor || 'x'"), in("action = 'list'"), in("kind = ''"), in("object = object || 'x'"), in("detail = detail || ' '"),
		in("commitments = '{}'"), in("commitments = array_append(commitments, 'candidate:00')"), in("previous = md5(previous)") + newHead, in("hash = md5(hash)") + newHead,
		// left out, the others moved up or not; cut short, and told something else since
		fmt.Sprintf("delete from audit_log where number = %d", n) + newHead,
		fmt.Sprintf("delete from audit_log where number = %[1]d; update audit_log set number = -(number - 1) where number > %[1]d", n) + renumber + rechain,
		fmt.Sprintf("delete from audit_log where number >= %d", n) + newHead,
		fmt.Sprintf("delete from audit_log where number >= %d", n) + newHead + `; select audit_append('[{"at": 0, "actor": "key_1", "action": "read", "kind": "key", "object": "", "detail": "", "commitments": [], "openings": []}]')`,
		// two change places; one is put in
		fmt.Sprintf("update audit_log set number = case number when %[1]d then -%[2]d else -%[1]d end where number in (%[1]d, %[2]d)", n, m) + renumber,
		fmt.Sprintf(`update audit_log set number = -(number + 1) where number >= %d`, n) + renumber +
			fmt.Sprintf("; insert into audit_log select %d, at, actor, action, kind, object, detail, commitments, previous, hash from audit_log order by number limit 1", n) + rechain,
	}
}

// ofCommitments are changes of what is known of whom entries are about, by those that are about two people, and both still known.
func (v *vandal) ofCommitments() []string {
	n := 2 + v.dice.IntN(v.entries-2)
	m := 2 + (n-1+v.dice.IntN(v.entries-3))%(v.entries-2) // another of these
	p := v.dice.IntN(2)
	of := func(set string) string {
		return fmt.Sprintf("update audit_openings set %s where number = %d and part = %d", set, n, p)
	}
	return []string{
		of("value = value || 'x'"), of("name = 'address'"), of("salt = sha256(salt)"), of("part = 7"), of("number = 1, part = 0"),
		// of one entry, and of two, they change places
		fmt.Sprintf("update audit_openings set part = -1 - part where number = %[1]d; update audit_openings set part = 2 + part where number = %[1]d", n),
		fmt.Sprintf("update audit_log set commitments = array[commitments[2], commitments[1]] where number = %d", n),
		fmt.Sprintf("update audit_openings a set (value, salt) = (select b.value, b.salt from audit_openings b where b.number = case a.number when %[1]d then %[2]d else %[1]d end and b.part = a.part) where number in (%[1]d, %[2]d)", n, m),
		fmt.Sprintf("update audit_log a set commitments = (select b.commitments from audit_log b where b.number = case a.number when %[1]d then %[2]d else %[1]d end) where number in (%[1]d, %[2]d)", n, m),
		// the same with what opens them
		fmt.Sprintf("update audit_log set commitments = array[commitments[2], commitments[1]] where number = %[1]d; update audit_openings set part = -1 - part where number = %[1]d; update audit_openings set part = 2 + part where number = %[1]d", n),
		// somebody else is said to be the one who was erased
		"insert into audit_openings (number, part, name, value, salt) values (1, 0, 'candidate', 'cnd_dan', sha256('x'))",
	}
}
