package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alexandervashurin/semaphore/internal/nodes"
	"github.com/alexandervashurin/semaphore/store"
)

// optionKey is what keys look like.
var optionKey = regexp.MustCompile(`^[\w.]{1,255}$`)

func (s *Server) optionRoutes() []route {
	return []route{
		{method: "GET", path: "/options", right: admin, handle: s.listOptions},
		{method: "POST", path: "/options", right: admin, handle: s.setOption},
	}
}

type optionInput struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type optionReply optionInput

// listOptions answers with all settings in the database, by key, but for notes
// that are none.
func (s *Server) listOptions(c *call) error {
	all, err := s.st.Options().All(c.ctx())
	if err != nil {
		return err
	}
	options := map[string]string{}
	for key, value := range all {
		if !strings.HasPrefix(key, "auth.") && !strings.HasPrefix(key, nodes.Prefix) && !strings.HasPrefix(key, store.SummonOptions) {
			options[key] = value
		}
	}
	return c.json(http.StatusOK, options)
}

// setOption stores a setting, which goes over the configuration file from the
// next start on, those of apps at once. An empty value forgets it.
func (s *Server) setOption(c *call) error {
	var in optionInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if err := checkOption(in.Key, in.Value); err != nil {
		return err
	}
	err := c.inTx(func(ctx context.Context, tx store.Store) error {
		if err := tx.Options().Set(ctx, in.Key, in.Value); err != nil {
			return err
		}
		return c.record(ctx, tx, store.EventOption, 0, "Option %q set", in.Key)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, optionReply(in))
}

// setting checks the value of an option.
type setting func(value string) error

// settings are the keys of the configuration that may be set over the network.
// What opens the database, names files or guards secrets is not among them.
func settings() map[string]setting {
	return map[string]setting{
		"non_admin_can_create_project": isBool,
		"require_current_password":     isBool,
		"min_password_length":          isNumber(1, 72),
		"use_remote_runner":            isBool,
		"webhook_legacy_status":        isBool,
		"max_parallel_tasks":           isNumber(0, 1_000_000),
		"max_task_duration_sec":        isNumber(0, 1_000_000_000),
		"max_tasks_per_template":       isNumber(0, 1_000_000_000),
		"shutdown_grace_sec":           isNumber(0, 86_400),
		"git_client":                   isOneOf("cmd_git", "go_git"),
		"log_level":                    isOneOf("DEBUG", "INFO", "WARN", "ERROR"),
		"schedule.timezone":            isTimezone,
		"teams.invites_enabled":        isBool,
		"teams.invite_type":            isOneOf("username", "email", "both"),
		"teams.members_can_leave":      isBool,
		"email_alert":                  isBool,
		"telegram_alert":               isBool,
		"slack_alert":                  isBool,
		"rocketchat_alert":             isBool,
		"microsoft_teams_alert":        isBool,
		"dingtalk_alert":               isBool,
		"gotify_alert":                 isBool,
	}
}

// checkOption refuses keys that are no setting and values that it cannot have,
// so that what stands in the database never is in the way of a start.
func checkOption(key, value string) error {
	if !optionKey.MatchString(key) {
		return invalid("key", "is not made of letters, digits, _ and . alone")
	}
	if len(value) > 1000 {
		return invalid("value", "is longer than 1000 bytes")
	}
	check, known := settings()[key]
	if rest, ok := strings.CutPrefix(key, "apps."); ok {
		id, field, _ := strings.Cut(rest, ".")
		if err := checkAppID(id); err != nil {
			return invalid("key", "names no app: write apps.<id>.<field>")
		}
		if check, known = appFields()[field]; !known {
			return invalid("key", "names no field of an app: use %s", strings.Join(slices.Sorted(maps.Keys(appFields())), ", "))
		}
	}
	if !known {
		return invalid("key", "is no setting that may be changed here: use apps.<id>.<field>, %s", strings.Join(slices.Sorted(maps.Keys(settings())), ", "))
	}
	if value == "" {
		return nil
	}
	if err := check(value); err != nil {
		return invalid("value", "of %s %s", key, err)
	}
	return nil
}

func isBool(value string) error {
	if value != "true" && value != "false" {
		return fmt.Errorf("is %q: use true or false", clip(value, 40))
	}
	return nil
}

func isNumber(least, most int) setting {
	return func(value string) error {
		if n, err := strconv.Atoi(value); err != nil || n < least || n > most {
			return fmt.Errorf("is %q: use a number from %d to %d", clip(value, 40), least, most)
		}
		return nil
	}
}

func isOneOf(values ...string) setting {
	return func(value string) error {
		if !slices.Contains(values, value) {
			return fmt.Errorf("is %q: use %s", clip(value, 40), strings.Join(values, ", "))
		}
		return nil
	}
}

func isTimezone(value string) error {
	if _, err := time.LoadLocation(value); err != nil {
		return fmt.Errorf("is %q: use a name such as UTC or Europe/Berlin", clip(value, 40))
	}
	return nil
}
