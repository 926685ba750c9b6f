package crypto_test

import (
	"context"
	"fmt"

	"github.com/alexandervashurin/semaphore/crypto"
)

// The key comes from the configuration; GenerateKey().Encode() makes one.
func ExampleRing() {
	key, err := crypto.ParseKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if err != nil {
		panic(err)
	}
	ring, err := crypto.NewRing(key)
	if err != nil {
		panic(err)
	}
	row12 := crypto.AD{Table: "access_key", ProjectID: 3, ID: 12, Field: "secret"}
	row13 := crypto.AD{Table: "access_key", ProjectID: 3, ID: 13, Field: "secret"}
	sealed, err := ring.Seal([]byte("correct-horse"), row12)
	if err != nil {
		panic(err)
	}
	plain, err := ring.Open(sealed, row12)
	fmt.Println(string(plain), err)
	_, err = ring.Open(sealed, row13)
	fmt.Println(err)
	fmt.Println(key, sealed[:12])
	// Output:
	// correct-horse <nil>
	// open access_key.secret of row 13 in project 3: damaged, or sealed for another place
	// *** (db3bd98e) v1.db3bd98e.
}

// oneRow is a table with one sealed value.
type oneRow struct{ value string }

func (r *oneRow) Sealed(context.Context, string, int) ([]crypto.SealedValue, string, error) {
	return []crypto.SealedValue{{AD: crypto.AD{Table: "user", ID: 1, Field: "totp"}, Value: r.value}}, "", nil
}

// Reseal is an UPDATE ... WHERE id = $1 AND value = $2 in a database.
func (r *oneRow) Reseal(_ context.Context, v crypto.SealedValue, sealed string) (bool, error) {
	if r.value != v.Value {
		return false, nil
	}
	r.value = sealed
	return true, nil
}

func ExampleRotator() {
	ring, err := crypto.NewRing(crypto.GenerateKey())
	if err != nil {
		panic(err)
	}
	old := ring.Primary()
	sealed, err := ring.Seal([]byte("correct-horse"), crypto.AD{Table: "user", ID: 1, Field: "totp"})
	if err != nil {
		panic(err)
	}
	table := &oneRow{sealed}

	if err := ring.Add(crypto.GenerateKey()); err != nil {
		panic(err)
	}
	rotator := crypto.Rotator{Ring: ring, Source: table}
	for range 2 {
		report, err := rotator.Run(context.Background())
		fmt.Println(report.Done, report.Skipped, report.Failed, report.Clean(), err)
	}
	fmt.Println(ring.Forget(old), ring.Current(table.value))
	// Output:
	// 1 0 0 false <nil>
	// 0 1 0 true <nil>
	// <nil> true
}

// The runner keeps the private key and registers with the public one.
func ExampleSealTo() {
	private, public, err := crypto.GenerateBoxKey()
	if err != nil {
		panic(err)
	}
	registered, err := crypto.ParseBoxPublic(public.String())
	if err != nil {
		panic(err)
	}
	sealed, err := crypto.SealTo(registered, []byte("correct-horse"), crypto.TaskContext(7, 1))
	if err != nil {
		panic(err)
	}
	plain, err := private.Open(sealed, crypto.TaskContext(7, 1))
	fmt.Println(string(plain), err)
	_, err = private.Open(sealed, crypto.TaskContext(7, 2))
	fmt.Println(err)
	// Output:
	// correct-horse <nil>
	// open box: damaged, or sealed for another place
}

func ExampleHashToken() {
	token := crypto.Token(33)
	fmt.Println(len(token), crypto.HashToken(token)[:9] == token[:8]+".")
	// Output: 44 true
}
