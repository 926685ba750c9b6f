package job

import "io"

// What tests of the pure builders see.
var (
	ParsePlan         = parsePlan
	SplitApplyArgs    = splitApplyArgs
	FormatValue       = formatValue
	RequirementFiles  = requirementFiles
	NewHostKeys       = newHostKeys
	SSHConfig         = sshConfig
	DeclaredVariables = declaredVariables
	LocalStateFile    = localStateFile
)

// Builders shows what a Spec becomes: command lines, environment, variables.
func Builders(spec *Spec) map[string]any {
	base := newEnviron()
	base.set("PATH", "/usr/bin")
	base.set("LANG", "C.UTF-8")
	commit := Commit{Hash: "0123456789abcdef0123456789abcdef01234567", Message: "Fix the thing"}
	dirs := toolDirs{
		home: "/home/s", work: "/run/repository", temp: "/run/tmp", cache: "/data/cache",
		ansibleHome: "/data/home/.ansible", localTemp: "/run/tmp/ansible", controlPath: "/run/cp",
	}
	built := map[string]any{"environment": toolEnviron(spec, base, dirs, commit).list()}
	switch familyOf(spec.App) {
	case familyAnsible:
		files := ansibleFiles{extraVars: "/run/extra_vars.json"}
		if spec.Inventory != nil {
			files.inventory = []string{"/run/inventory/hosts"}
			if !keyPassword(spec.Inventory.UserKey).Empty() {
				files.connectionPassword = "/run/secret/connection_password"
			}
			if !keyPassword(spec.Inventory.BecomeKey).Empty() {
				files.becomePassword = "/run/secret/become_password"
			}
		}
		for _, v := range spec.Vaults {
			files.vaultIDs = append(files.vaultIDs, v.name()+"@/run/secret/vault")
		}
		built["argv"] = ansibleArgs(spec, files)
		built["variables"] = ansibleVariables(spec, commit)
	case familyTerraform:
		plan, moved := planArgs(spec, "/run/plan.out", "/run/variables.tfvars.json")
		built["init"] = tfInitArgs(spec, initPlain)
		built["init_migrate"] = tfInitArgs(spec, initMigrate)
		built["init_readonly"] = tfInitArgs(spec, initReadonly)
		built["workspace"] = workspaceArgs(spec.App, workspaceName(spec))
		built["plan"] = plan
		built["moved_to_plan"] = moved
		built["apply"] = applyArgs(spec, "/run/plan.out")
		built["auto_approve"] = spec.terraform().autoApprove()
		built["variables"] = terraformVariables(spec)
	default:
		built["argv"] = scriptArgs(spec)
	}
	return built
}

// RequirementName names a requirements file with its kind.
func RequirementName(q requirement) string { return q.kind + " " + q.file }

// ReadSpool reads a spool file.
func ReadSpool(r io.Reader, each func(Lease, Report) error) (Lease, error) { return readSpool(r, each) }
