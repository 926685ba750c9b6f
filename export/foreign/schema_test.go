package foreign_test

import (
	"strings"
)

// oldSchema describes the tables of Semaphore UI 2.17.15, a line per table: its
// name, then its columns. A column is a name and a letter: p for the primary key
// that counts up, i for whole numbers, b for yes and no, t for times, s for
// short texts and x for long ones.
const oldSchema = `
migrations version:k upgraded_date:t notes:x
option key:k value:s
user id:p created:t username:s name:s email:s password:s alert:b external:b admin:b pro:b
user__token id:k created:t expired:b user_id:i
user__totp id:p user_id:i url:s recovery_hash:s created:t
user__email_otp id:p user_id:i code:s created:t
session id:p user_id:i created:t last_active:t ip:s user_agent:x expired:b verification_method:i verified:b
project id:p created:t name:s alert:b alert_chat:s max_parallel_tasks:i type:s default_secret_storage_id:i
project__user project_id:i user_id:i role:s
project__invite id:p project_id:i user_id:i email:s role:s status:s token:s inviter_user_id:i created:t expires_at:t accepted_at:t
role slug:k name:s permissions:i project_id:i
project__template_role id:p template_id:i role_slug:s project_id:i permissions:i
access_key id:p name:s type:s project_id:i secret:x environment_id:i user_id:i owner:s plain:x storage_id:i source_storage_id:i source_storage_key:s source_storage_type:s
project__secret_storage id:p project_id:i name:s type:s params:x readonly:b
project__repository id:p project_id:i git_url:x ssh_key_id:i name:s git_branch:s
project__inventory id:p project_id:i type:s inventory:x ssh_key_id:i name:s become_key_id:i template_id:i repository_id:i runner_tag:s
project__environment id:p project_id:i password:s json:x name:s env:x secret_storage_id:i secret_storage_key_prefix:s
project__view id:p title:s project_id:i position:i hidden:b type:s filter:s sort_column:s sort_reverse:b
project__template id:p project_id:i inventory_id:i repository_id:i environment_id:i playbook:s arguments:x name:s description:x type:s start_version:s build_template_id:i view_id:i survey_vars:x autorun:b allow_override_args_in_task:b suppress_success_alerts:b app:s tasks:i git_branch:s task_params:x runner_tag:s allow_override_branch_in_task:b allow_parallel_tasks:b
project__template_vault id:p project_id:i template_id:i vault_key_id:i name:s type:s script:x
project__task_params id:p environment:x project_id:i arguments:x inventory_id:i git_branch:s params:x version:s message:s
project__schedule id:p template_id:i project_id:i cron_format:s repository_id:i last_commit_hash:s name:s active:b task_params_id:i run_at:t type:s delete_after_run:b
project__integration id:p name:s project_id:i template_id:i auth_method:s auth_secret_id:i auth_header:s searchable:b task_params_id:i
project__integration_alias id:p alias:s project_id:i integration_id:i
project__integration_matcher id:p name:s integration_id:i match_type:s method:s body_data_type:s key:s value:s
project__integration_extract_value id:p name:s integration_id:i value_source:s body_data_type:s key:s variable:s variable_type:s
task id:p template_id:i status:s playbook:s environment:x created:t start:t end:t user_id:i project_id:i message:s version:s commit_hash:s commit_message:s build_task_id:i arguments:x inventory_id:i integration_id:i schedule_id:i git_branch:s params:x
task__output id:p task_id:i time:t output:x stage_id:i
task__stage id:p task_id:i start:t end:t type:s
task__stage_result id:p task_id:i stage_id:i json:x
task__ansible_host id:p task_id:i project_id:i host:s changed:i failed:i ignored:i ok:i rescued:i skipped:i unreachable:i created:t
task__ansible_error id:p task_id:i project_id:i host:s task:s error:x created:t
runner id:p project_id:i token:s webhook:s max_parallel_tasks:i name:s active:b public_key:x tag:s touched:t cleaning_requested:t
event id:p project_id:i object_id:i object_type:s description:x created:t user_id:i
project__terraform_inventory_alias project_id:i inventory_id:i auth_key_id:i alias:k
project__terraform_inventory_state id:p created:t task_id:i project_id:i inventory_id:i state:x
`

// column is one of a table of the old schema.
type column struct{ name, kind string }

// oldTables lists tables and columns in their order.
func oldTables() (names []string, columns map[string][]column) {
	columns = map[string][]column{}
	for line := range strings.SplitSeq(strings.TrimSpace(oldSchema), "\n") {
		words := strings.Fields(line)
		names = append(names, words[0])
		for _, w := range words[1:] {
			name, kind, _ := strings.Cut(w, ":")
			columns[words[0]] = append(columns[words[0]], column{name, kind})
		}
	}
	return names, columns
}

// dialect is how a kind of database spells the types.
type dialect struct {
	name  string
	quote string
	types map[string]string
}

func dialects() map[string]dialect {
	return map[string]dialect{
		"sqlite": {"sqlite", `"`, map[string]string{
			"p": "integer primary key autoincrement", "i": "integer", "b": "int", "t": "datetime", "s": "varchar(255)", "x": "text", "k": "varchar(255) primary key",
		}},
		"postgres": {"postgres", `"`, map[string]string{
			"p": "serial primary key", "i": "integer", "b": "boolean", "t": "timestamp", "s": "varchar(1000)", "x": "text", "k": "varchar(255) primary key",
		}},
		"mysql": {"mysql", "`", map[string]string{
			"p": "integer primary key auto_increment", "i": "integer", "b": "boolean", "t": "datetime(6)", "s": "varchar(1000)", "x": "longtext", "k": "varchar(255) primary key",
		}},
	}
}

// create is the text that makes the tables, without the columns left out, as
// "table.column".
func (d dialect) create(without ...string) []string {
	names, columns := oldTables()
	var list []string
	for _, name := range names {
		var parts []string
		for _, c := range columns[name] {
			left := false
			for _, w := range without {
				left = left || w == name+"."+c.name
			}
			if !left {
				parts = append(parts, d.quote+c.name+d.quote+" "+d.types[c.kind])
			}
		}
		list = append(list, "CREATE TABLE "+d.quote+name+d.quote+" ("+strings.Join(parts, ", ")+")")
	}
	return list
}
