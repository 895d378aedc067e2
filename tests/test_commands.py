import subprocess
import sys


def test_options_need_nothing_that_takes_time():
    code = (
        "import sys, sktransformer_gp\n"
        "before = set(sys.modules)\n"
        "import sktransformer_gp.commands.compare, sktransformer_gp.commands.results\n"
        "print(*(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in run.stdout.split()}
    assert packages.isdisjoint({"numpy", "pandas", "sklearn", "torch", "matplotlib", "joblib"})
