import Base
import Workspace

/// What became of a wish.
enum ChangeOutcome: Sendable { case created, changed, unchanged }

extension ServiceRegistry {
  // MARK: Workspaces

  /// Makes a workspace, or changes it.
  func put(_ workspace: Workspace) async throws(AdministrationError) -> ChangeOutcome {
    try await inTurn { () throws(AdministrationError) in
      guard let present = workspaces.first(where: { $0.name == workspace.name }) else {
        try keep(made + [workspace])
        tell("created", workspace.name)
        return .created
      }
      var wanted = workspace
      wanted.services = present.services
      if wanted == present { return .unchanged }
      guard !isFixed(workspace.name) else { throw Self.declared("The workspace '\(workspace.name)'") }
      try keep(made.map { $0.name == workspace.name ? wanted : $0 })
      tell("changed", workspace.name)
      return .changed
    }
  }

  /// - Returns: false if there was none.
  func deleteWorkspace(_ name: String) async throws(AdministrationError) -> Bool {
    try await inTurn { () throws(AdministrationError) in
      guard let present = workspaces.first(where: { $0.name == name }) else { return false }
      guard present.services.isEmpty else {
        throw AdministrationError(
          409, "CannotDeleteResource",
          "The workspace '\(name)' cannot be deleted while it has services: delete them first.")
      }
      guard !isFixed(name) else { throw Self.declared("The workspace '\(name)'") }
      try keep(made.filter { $0.name != name })
      tell("deleted", name)
      return true
    }
  }

  // MARK: Services

  /// Makes a service, or changes it.
  func put(_ service: ServiceDefinition, in workspace: String) async throws(AdministrationError) -> ChangeOutcome {
    try await inTurn { () async throws(AdministrationError) in
      guard let parent = workspaces.first(where: { $0.name == workspace }) else {
        throw AdministrationError(
          404, "ParentResourceNotFound", "The workspace '\(workspace)' was not found: make it first.")
      }
      guard let present = parent.services.first(where: { $0.name == service.name }) else {
        return try await create(service, in: workspace)
      }
      guard present.kind == service.kind else {
        throw .conflict("The name '\(service.name)' is one of the workspace's \(present.kind.rawValue).")
      }
      if present == service { return .unchanged }
      guard !isFixed(service.name, in: workspace) else { throw Self.declared("The service '\(service.name)'") }
      try await change(service, in: workspace)
      return .changed
    }
  }

  private func create(_ service: ServiceDefinition, in workspace: String) async throws(AdministrationError)
    -> ChangeOutcome
  {
    let key = Key(workspace: workspace, service: service.name)
    guard closing[key] == nil else {
      throw .conflict("A service of this name is being deleted: requests that it began are under way.")
    }
    // Not to open a store in vain.
    if kept == nil { try keep(made) }
    let opened = try await host.open(service, in: workspace)
    do throws(AdministrationError) {
      try keep(with(service, in: workspace))
    } catch {
      await opened.close()
      throw error
    }
    running[key] = Running(service: opened)
    mounts.put(opened.mount)
    tell("created", workspace, service.name)
    return .created
  }

  /// The store stays; what asks it is made anew. Requests under way end as they began.
  private func change(_ service: ServiceDefinition, in workspace: String) async throws(AdministrationError) {
    let key = Key(workspace: workspace, service: service.name)
    guard var entry = running[key] else { throw .notFound(service.name) }
    let changed = try entry.service.changed(to: service)
    try keep(with(service, in: workspace))
    // Two of them would do the work beside requests twice.
    await entry.service.mount.stop()
    let before = entry.service.mount.entrance
    entry.service = changed
    entry.former.removeAll(where: \.isEmpty)
    entry.former.append(before)
    running[key] = entry
    mounts.put(changed.mount)
    before.shut()
    tell("changed", workspace, service.name)
  }

  /// Takes a service away; its store is closed when its requests are answered, and its data stay where they are.
  /// - Returns: false if there was none.
  func deleteService(_ kind: ServiceDefinition.Kind, _ name: String, in workspace: String)
    async throws(AdministrationError) -> Bool
  {
    try await inTurn { () throws(AdministrationError) in
      let parent = workspaces.first { $0.name == workspace }
      guard parent?.service(kind, name) != nil else { return false }
      guard !isFixed(name, in: workspace) else { throw Self.declared("The service '\(name)'") }
      try keep(
        made.map { entry in
          var entry = entry
          if entry.name == workspace { entry.services.removeAll { $0.name == name } }
          return entry
        })
      let key = Key(workspace: workspace, service: name)
      _ = mounts.remove(workspace: workspace, service: name)
      guard let entry = running.removeValue(forKey: key) else { return true }
      closing[key] = Task { await end(entry, key) }
      tell("deleted", workspace, name)
      return true
    }
  }

  private func end(_ entry: Running, _ key: Key) async {
    var isQuiet = await Mounts.close(entry.service.mount)
    for entrance in entry.former where await !entrance.close(within: Mounts.closingSecondsMax) { isQuiet = false }
    if !isQuiet { log.write(.warning, "service-closed-with-requests", ["service": .text(key.service)]) }
    await entry.service.close()
    closing[key] = nil
  }

  /// What is kept, with a service in it.
  private func with(_ service: ServiceDefinition, in workspace: String) -> [Workspace] {
    var result = made
    if !result.contains(where: { $0.name == workspace }) { result.append(Workspace(name: workspace)) }
    for place in result.indices where result[place].name == workspace {
      if let at = result[place].services.firstIndex(where: { $0.name == service.name }) {
        result[place].services[at] = service
      } else {
        result[place].services.append(service)
      }
    }
    return result
  }

  private static func declared(_ what: String) -> AdministrationError {
    .conflict("\(what) is declared by the server's configuration file or command line: change it there.")
  }

  private func tell(_ event: String, _ workspace: String, _ service: String? = nil) {
    log.write(
      .info, "administration", ["change": .text(event), "workspace": .text(workspace), "service": .text(service ?? "")])
  }
}
