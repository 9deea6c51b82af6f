// The conversation as a tree: every message has one parent, and a path leads to the leaf shown.
export class Tree {
  constructor() {
    this.nodes = new Map();
    this.next = 1;
    this.leaf = 0;
  }

  add(parent, role, text, more = {}) {
    const node = { id: this.next++, parent, role, text, decision: "", ...more };
    this.nodes.set(node.id, node);
    this.leaf = node.id;
    return node;
  }

  drop(id) {
    const { parent } = this.nodes.get(id);
    this.nodes.delete(id);
    this.leaf = parent;
  }

  path(leaf = this.leaf) {
    const found = [];
    for (let node = this.nodes.get(leaf); node; node = this.nodes.get(node.parent)) found.push(node);
    return found.reverse();
  }

  children(parent) {
    return [...this.nodes.values()].filter((node) => node.parent === parent);
  }

  // The leaf below a node that was written last.
  deepest(id) {
    const below = this.children(id);
    return below.length ? this.deepest(below.at(-1).id) : id;
  }

  isEnded(id) {
    const node = this.nodes.get(id);
    return node.decision === "end" || this.children(id).some((child) => this.isEnded(child.id));
  }

  show(id) {
    this.leaf = this.deepest(id);
  }
}
