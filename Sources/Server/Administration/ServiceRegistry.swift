import Base
public import Workspace

/// The workspaces and services of a server: those its file declares and those that the administration made. It opens
/// and closes what runs, one change after the other.
public actor ServiceRegistry {
  struct Key: Hashable {
    let workspace: String
    let service: String
  }

  struct Running {
    var service: any RunningService
    /// Doors of the service before it was changed, with requests behind them that still use its store.
    var former: [Entrance] = []
  }

  let mounts: Mounts
  let host: any ServiceHost
  let kept: KeptServices?
  let log: Log
  /// What the file or the command line declares.
  let fixed: [Workspace]
  /// What the administration made; a workspace that the file declares as well holds the services made in it.
  var made: [Workspace] = []
  var running: [Key: Running] = [:]
  var closing: [Key: Task<Void, Never>] = [:]
  private var isBusy = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// - Parameters:
  ///   - fixed: what is declared for good; the administration does not change it.
  ///   - kept: where the rest is kept; nil: the administration makes nothing.
  public init(fixed: [Workspace], kept: KeptServices?, host: any ServiceHost, mounts: Mounts, log: Log) {
    self.fixed = fixed
    self.kept = kept
    self.host = host
    self.mounts = mounts
    self.log = log
  }

  /// Opens all that is declared.
  /// - Throws: the first failure, after closing what was open.
  public func start() async throws(AdministrationError) {
    made = try kept?.load() ?? []
    dropWhatIsDeclaredTwice()
    do throws(AdministrationError) {
      for workspace in workspaces {
        for service in workspace.services { try await run(service, in: workspace.name) }
      }
    } catch {
      await close()
      throw error
    }
  }

  /// The file stands above.
  private func dropWhatIsDeclaredTwice() {
    for place in made.indices {
      guard let declared = fixed.first(where: { $0.name == made[place].name }) else { continue }
      let names = Set(declared.services.map(\.name))
      for service in made[place].services where names.contains(service.name) {
        log.write(
          .warning, "service-declared-twice",
          ["workspace": .text(declared.name), "service": .text(service.name), "counts": "file"])
      }
      made[place].services.removeAll { names.contains($0.name) }
    }
  }

  private func run(_ service: ServiceDefinition, in workspace: String) async throws(AdministrationError) {
    let opened = try await host.open(service, in: workspace)
    running[Key(workspace: workspace, service: service.name)] = Running(service: opened)
    mounts.put(opened.mount)
  }

  /// Closes all stores; nobody asks any more.
  public func close() async {
    for task in closing.values { await task.value }
    for entry in running.values { await entry.service.close() }
    running = [:]
  }

  // MARK: What there is

  /// All of it, the file's first.
  public var workspaces: [Workspace] {
    var all = fixed
    for workspace in made {
      if let place = all.firstIndex(where: { $0.name == workspace.name }) {
        all[place].services += workspace.services
      } else {
        all.append(workspace)
      }
    }
    return all
  }

  func workspace(_ name: String) throws(AdministrationError) -> Workspace {
    guard let workspace = workspaces.first(where: { $0.name == name }) else {
      throw .notFound("/workspaces/\(name)")
    }
    return workspace
  }

  func service(_ kind: ServiceDefinition.Kind, _ name: String, in workspace: String) throws(AdministrationError)
    -> ServiceDefinition
  {
    guard let service = try self.workspace(workspace).service(kind, name) else {
      throw .notFound("/workspaces/\(workspace)/\(kind.rawValue)/\(name)")
    }
    return service
  }

  func isFixed(_ workspace: String) -> Bool { fixed.contains { $0.name == workspace } }

  func isFixed(_ service: String, in workspace: String) -> Bool {
    fixed.first { $0.name == workspace }?.services.contains { $0.name == service } ?? false
  }

  // MARK: One after the other

  /// Changes wait for each other, also while one of them waits for a store.
  func inTurn<Outcome: Sendable>(
    _ change: () async throws(AdministrationError) -> Outcome
  ) async throws(AdministrationError) -> Outcome {
    while isBusy { await withCheckedContinuation { waiting.append($0) } }
    isBusy = true
    defer {
      isBusy = false
      if !waiting.isEmpty { waiting.removeFirst().resume() }
    }
    return try await change()
  }

  /// Keeps what the administration made; what it made stands only when it is kept.
  func keep(_ workspaces: [Workspace]) throws(AdministrationError) {
    guard let kept else {
      throw .conflict(
        "Several servers may share this database, and would not hear of the change: declare it in each one's "
          + "configuration file.")
    }
    try kept.save(workspaces)
    made = workspaces
  }
}
