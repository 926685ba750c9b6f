package api_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

// dumpStore is every row that the store lists, hidden columns included.
func dumpStore(t *testing.T, st store.Store) string {
	var b strings.Builder
	dumpTable(t, &b, st.Users())
	dumpTable(t, &b, st.Users().Sessions())
	dumpTable(t, &b, st.Users().Tokens())
	dumpTable(t, &b, st.Users().SecondFactors())
	dumpTable(t, &b, st.Users().OneTimeCodes())
	dumpTable(t, &b, st.Projects())
	dumpTable(t, &b, st.Projects().Members())
	dumpTable(t, &b, st.Projects().Roles())
	dumpTable(t, &b, st.Projects().Invites())
	dumpTable(t, &b, st.Projects().KnownHosts())
	dumpTable(t, &b, st.Keys())
	dumpTable(t, &b, st.SecretStorages())
	dumpTable(t, &b, st.Repositories())
	dumpTable(t, &b, st.Inventories())
	dumpTable(t, &b, st.Environments())
	dumpTable(t, &b, st.Views())
	dumpTable(t, &b, st.Templates())
	dumpTable(t, &b, st.Templates().Vaults())
	dumpTable(t, &b, st.Templates().Roles())
	dumpTable(t, &b, st.Integrations())
	dumpTable(t, &b, st.Integrations().Matchers())
	dumpTable(t, &b, st.Integrations().Extractors())
	dumpTable(t, &b, st.Integrations().Aliases())
	dumpTable(t, &b, st.Integrations().TaskParams())
	dumpTable(t, &b, st.Schedules())
	dumpTable(t, &b, st.Runners())
	dumpTable(t, &b, st.Artifacts().TerraformAliases())
	options, err := st.Options().All(t.Context())
	require.NoError(t, err)
	fmt.Fprintln(&b, options) // fmt sorts the keys
	events, err := st.Events().List(t.Context(), store.AnyScope, store.Query{Limit: -1})
	require.NoError(t, err)
	dumpRows(&b, events.Items)
	tasks, err := st.Tasks().List(t.Context(), store.TaskFilter{Limit: 1000})
	require.NoError(t, err)
	dumpRows(&b, tasks.Items)
	return b.String()
}

func dumpTable[T any](t *testing.T, b *strings.Builder, table interface {
	List(ctx context.Context, scope int64, q store.Query) (store.Page[T], error)
}) {
	page, err := table.List(t.Context(), store.AnyScope, store.Query{Limit: -1})
	require.NoError(t, err)
	dumpRows(b, page.Items)
}

func dumpRows[T any](b *strings.Builder, rows []T) {
	for _, row := range rows {
		fmt.Fprintf(b, "%T", row)
		dumpFields(b, reflect.ValueOf(row))
		b.WriteByte('\n')
	}
}

// dumpFields prints what pointers point to, of embedded structs too.
func dumpFields(b *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if v.Type().Field(i).Anonymous {
			dumpFields(b, f)
			continue
		}
		if f.Kind() == reflect.Pointer && !f.IsNil() {
			f = f.Elem()
		}
		fmt.Fprintf(b, " %s=%v", v.Type().Field(i).Name, f)
	}
}
