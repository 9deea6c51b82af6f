"""``adjourn policy``: show, check, verify, explain and compare policies."""

import sys
import time
from dataclasses import asdict
from typing import Any

import click
import msgspec

from adjourn.core.explain import explain_markdown
from adjourn.core.policy import Policy, numbers_of
from adjourn.core.policy_diff import differences
from adjourn.core.policy_lint import lint
from adjourn.core.verifier import LawResult, Proof, render, verify
from adjourn.runtime.policies import load_policy, preset_names

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_POLICY = click.argument("policy", metavar="NAME|FILE")


@click.group()
def policy() -> None:
    """Show, check, prove, explain and compare policies."""


@policy.command()
@click.argument("name", metavar="[NAME|FILE]", required=False)
@_as_json
def show(name: str | None, as_json: bool) -> None:
    """List the presets, or show a policy with every number and where it comes from."""
    if name is None:
        _list_presets(as_json)
        return
    loaded = load_policy(name)[0]
    if as_json:
        click.echo(_json(_document(loaded)))
        return
    click.echo(f"{loaded.name}, version {loaded.version}, {loaded.mode}: {loaded.summary}")
    click.echo(f"digest {loaded.digest}")
    keys = [name for name in ("model", "policy", "user") if getattr(loaded.keys, f"by_{name}")]
    click.echo(f"may end: {', '.join(keys) or 'nobody'}; replies by the {loaded.replies}\n")
    for key, value in numbers_of(loaded).items():
        click.echo(f"{key:38} {value:>6g}  {loaded.source_of(key) or 'default of the format'}")


def _list_presets(as_json: bool) -> None:
    presets = [load_policy(name)[0] for name in preset_names()]
    if as_json:
        listed = [
            {"name": one.name, "version": one.version, "summary": one.summary, "digest": one.digest}
            for one in presets
        ]
        click.echo(_json(listed))
        return
    for one in presets:
        click.echo(f"{one.name:14} {one.summary}")


def _document(loaded: Policy) -> dict[str, Any]:
    """Return a policy as its document would have it; tables that are read-only become plain."""
    document: dict[str, Any] = msgspec.to_builtins(loaded, enc_hook=dict)
    return {**document, "digest": loaded.digest}


@policy.command()
@_POLICY
@_as_json
def check(policy: str, as_json: bool) -> None:
    """Read a policy document and say what is wrong or odd about it.

    Exit status: 0 nothing found, 1 something odd found, 2 the document cannot be used.
    """
    loaded, text = load_policy(policy)
    findings = lint(loaded, text)
    if as_json:
        found = [{"key": f.key, "line": f.line, "message": f.message} for f in findings]
        click.echo(_json({"policy": loaded.name, "digest": loaded.digest, "findings": found}))
    else:
        for finding in findings:
            place = policy if finding.line is None else f"{policy}:{finding.line}"
            click.echo(f"{place}: {finding.key}: {finding.message}")
        if not findings:
            click.echo(f"{loaded.name} {loaded.version}: nothing to say. Digest {loaded.digest}")
    if findings:
        sys.exit(1)


@policy.command(name="verify")
@click.argument("policies", metavar="[NAME|FILE]...", nargs=-1)
@_as_json
def verify_(policies: tuple[str, ...], as_json: bool) -> None:
    """Prove the laws for policies (all presets if none is named), or show how one is broken.

    Exit status: 0 every law holds, 1 a law is broken.
    """
    holds = True
    printed = []
    for name in policies or preset_names():
        loaded = load_policy(name)[0]
        began = time.perf_counter()
        proof = verify(loaded)
        took_s = time.perf_counter() - began
        holds = holds and proof.holds
        if as_json:
            printed.append(_proof_json(proof, took_s))
        else:
            _print_proof(proof, took_s)
    if as_json:
        click.echo(_json(printed))
    if not holds:
        sys.exit(1)


def _print_proof(proof: Proof, took_s: float) -> None:
    verdict = "every law holds" if proof.holds else "BROKEN"
    click.secho(f"{proof.policy.name} {proof.policy.version}: {verdict}", bold=True)
    click.echo(
        f"  {proof.states:,} states and {proof.transitions:,} transitions explored "
        f"in {took_s:.1f} s; digest {proof.policy.digest}"
    )
    for result in proof.results:
        word = (
            click.style("proved", fg="green") if result.holds else click.style("broken", fg="red")
        )
        note = f" ({result.note})" if result.note else ""
        click.echo(f"  {word}  {result.law}{note}")
        for line in render(result.counterexample).splitlines():
            click.echo(f"          {line}")


def _proof_json(proof: Proof, took_s: float) -> dict[str, Any]:
    return {
        "policy": proof.policy.name,
        "version": proof.policy.version,
        "digest": proof.policy.digest,
        "holds": proof.holds,
        "states": proof.states,
        "transitions": proof.transitions,
        "seconds": round(took_s, 3),
        "laws": [_law_json(result) for result in proof.results],
    }


def _law_json(result: LawResult) -> dict[str, Any]:
    turns = [
        {
            "user": turn.user,
            "model_asks": turn.model_asks,
            "decision": turn.decision.name,
            "paused": turn.paused,
            "reply": turn.reply,
        }
        for turn in result.counterexample
    ]
    return {"law": result.law, "holds": result.holds, "note": result.note, "counterexample": turns}


@policy.command()
@_POLICY
def explain(policy: str) -> None:
    """Print what a policy does in plain language (Markdown), for the people it applies to."""
    click.echo(explain_markdown(load_policy(policy)[0]))


@policy.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@_as_json
def diff(old: str, new: str, as_json: bool) -> None:
    """Say what changed between two policies, and in which direction."""
    found = differences(load_policy(old)[0], load_policy(new)[0])
    if as_json:
        click.echo(_json([asdict(one) for one in found]))
        return
    for one in found:
        effect = f"  [{one.effect}]" if one.effect else ""
        click.echo(f"{one.key}: {one.old} -> {one.new}{effect}")
    if not found:
        click.echo("The two policies decide alike.")


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2)
