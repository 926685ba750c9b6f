package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/alexandervashurin/semaphore/store"
)

func eventCases() []testCase {
	return []testCase{
		{"events come back as they were added, newest first", listsEvents},
		{"events are chosen by scope, condition and text", choosesEvents},
		{"old events are purged a few at a time, the oldest first", purgesEvents},
	}
}

func listsEvents(t *testing.T, w *world) {
	user, object, integration := w.user(t, "u", "u@example.com"), int64(99), w.id(t, "integration")
	full := store.Event{
		UserID: &user.ID, ProjectID: &w.project.ID, IntegrationID: &integration, ObjectID: &object,
		ObjectType: store.EventKey, Description: awkward[0], Created: w.clock.Now().Add(-time.Hour),
	}
	require.NoError(t, w.Events().Add(t.Context(), full))
	require.NoError(t, w.Events().Add(t.Context(), store.Event{Description: "bare"}))
	page, err := w.Events().List(t.Context(), store.AnyScope, store.Query{})
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	require.Greater(t, page.Items[0].ID, page.Items[1].ID)
	full.ID = page.Items[1].ID
	require.Equal(t, full, page.Items[1])
	require.Equal(t, store.Event{ID: page.Items[0].ID, Description: "bare", Created: w.clock.Now()}, page.Items[0])
	var paged []store.Event
	for q := (store.Query{Limit: 1}); ; q.After = page.Next {
		page, err = w.Events().List(t.Context(), store.AnyScope, q)
		require.NoError(t, err)
		paged = append(paged, page.Items...)
		if page.Next == "" {
			break
		}
	}
	require.Len(t, paged, 2)
	require.Equal(t, "bare", paged[0].Description)
}

func choosesEvents(t *testing.T, w *world) {
	other := w.neighbour(t)
	mine, theirs, nobodys := w.event("My Event"), other.event("their event"), store.Event{Description: "nobody's", ObjectType: store.EventUser}
	for _, e := range []store.Event{mine, theirs, nobodys} {
		require.NoError(t, w.Events().Add(t.Context(), e))
	}
	found := func(scope int64, q store.Query) []string {
		page, err := w.Events().List(t.Context(), scope, q)
		require.NoError(t, err)
		list := []string{}
		for _, e := range page.Items {
			list = append(list, e.Description)
		}
		return list
	}
	require.Equal(t, []string{"My Event"}, found(w.project.ID, store.Query{}))
	require.Equal(t, []string{"nobody's"}, found(0, store.Query{}))
	require.Equal(t, []string{"nobody's", "their event", "My Event"}, found(store.AnyScope, store.Query{}))
	require.Equal(t, []string{"their event", "My Event"}, found(store.AnyScope, store.Query{Search: "EVENT"}))
	require.Equal(t, []string{"nobody's"}, found(store.AnyScope, store.Query{Where: map[string]any{"object_type": store.EventUser}}))
	require.Equal(t, []string{"My Event", "their event", "nobody's"}, found(store.AnyScope, store.Query{Sort: "created"}))
}

func purgesEvents(t *testing.T, w *world) {
	for i := range 6 {
		require.NoError(t, w.Events().Add(t.Context(), w.event(fmt.Sprint(i))))
		w.clock.advance(time.Minute)
	}
	before := w.clock.Now().Add(-2 * time.Minute).UnixMilli()
	for _, want := range []int{3, 1, 0} {
		n, err := w.Events().Purge(t.Context(), before, 3)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.Equal(t, []string{"5", "4"}, w.descriptions(t))
}
