package job

import (
	"fmt"
	"path/filepath"
)

// vaultFiles writes the vault passwords and returns the values of --vault-id.
// Client scripts are named where they lie in the checkout.
func (r *run) vaultFiles() ([]string, error) {
	var ids []string
	for i, v := range r.spec.Vaults {
		if v.Script != "" {
			script := v.Script
			if !filepath.IsAbs(script) {
				script = filepath.Join(r.checkout.root, script)
			}
			if !isExecutable(script) {
				return nil, invalid(fmt.Sprintf("vaults[%d].script", i), "%s is not executable: Ansible would take its text for the password", v.Script)
			}
			ids = append(ids, v.name()+"@"+script)
			continue
		}
		path, err := r.dir.secret(fmt.Sprintf("vault_%d", i), []byte(v.Password.Reveal()+"\n"))
		if err != nil {
			return nil, err
		}
		ids = append(ids, v.name()+"@"+path)
	}
	return ids, nil
}
