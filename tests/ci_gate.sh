#!/bin/bash
# Runs the steps of action.yml on this machine, as a runner would, over three small scripts.
# Needs mldoctor installed in the environment of `python`; uses no network.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
touch pyproject.toml  # the project's own folder: no settings from outside

cat > healthy.py <<'PY'
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(400, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
PY
sed '/zero_grad/d' healthy.py > broken.py
printf 'import sys\nprint(sys.argv)\nraise OSError("no data")\n' > failing.py

# One step of the action: INPUT=value... -> exit code of the step.
run_action() {
  : > output
  : > summary.md
  local code=0
  python - "$root/action.yml" "$@" <<'PY' || code=$?
import os, re, subprocess, sys
import yaml

action = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
inputs = {name: str(spec.get("default", "")) for name, spec in action["inputs"].items()}
inputs |= dict(pair.split("=", 1) for pair in sys.argv[2:])

def filled(text):
    return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], text)

for step in action["runs"]["steps"]:
    if "run" not in step or ("inputs.install" in step.get("if", "") and not inputs["install"]):
        continue
    assert "${{" not in step["run"], "an expression in a script is an injection"
    env = {name: filled(text) for name, text in step.get("env", {}).items()}
    here = {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary.md"}
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(shell, env=os.environ | env | here)
    if done.returncode:
        sys.exit(done.returncode)
PY
  return "$code"
}

expect() {
  local wanted=$1 name=$2 code=0
  shift 2
  run_action "install=" "$@" > log 2>&1 || code=$?
  if [ "$code" != "$wanted" ]; then
    echo "$name: exit $code, expected $wanted"
    cat log
    exit 1
  fi
  grep -q "^exit-code=$wanted$" output
  for file in sarif xml html json md; do
    test -s "mldoctor-reports/mldoctor.$file" || { echo "$name: no .$file"; exit 1; }
  done
  test -s summary.md
  echo "$name: exit $code"
}

expect 0 healthy "target=healthy.py"
expect 1 broken "target=broken.py"
grep -q "^::error file=broken.py,line=" log
grep -q "missing-zero-grad" summary.md
cp mldoctor-reports/mldoctor.sarif first.sarif
expect 1 "broken again" "target=broken.py"
# UX-64: the same commit and machine give the same findings in the same order.
cmp first.sarif mldoctor-reports/mldoctor.sarif
expect 0 "broken, never failing" "target=broken.py" "fail-on=never"
expect 3 failing "target=failing.py" $'arguments=--name\na b; $(touch injected)\n'
test ! -e injected
grep -q 'a b; $(touch injected)' log
echo "ci gate: 5 passed, 0 failed"
