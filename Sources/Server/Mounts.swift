import FHIRService
import Synchronization
import Workspace

/// A service that runs, and where it is reached.
public enum Mount: Sendable {
  case fhir(FHIRMount)
  case dicom(DICOMMount)

  public var entrance: Entrance {
    switch self {
    case .fhir(let mount): mount.entrance
    case .dicom(let mount): mount.entrance
    }
  }

  /// Begins the service's work beside requests.
  func start() {
    if case .fhir(let mount) = self { mount.service.start() }
  }

  /// Ends it.
  func stop() async {
    if case .fhir(let mount) = self { await mount.service.stop() }
  }
}

/// The services that a server bears at the moment: a table that requests read and the administration changes.
///
/// Each change makes a new table; a request keeps the one that it found. To read it costs one uncontended lock, which
/// is held for as long as it takes to count a reference.
public final class Mounts: Sendable {
  /// How long requests of a service that is taken away may go on.
  static let closingSecondsMax = 120

  /// One state of the table.
  final class Table: Sendable {
    /// In the order in which they came.
    let all: [Mount]
    private let byName: [Name: Mount]
    private let byHost: [String: Mount]

    fileprivate struct Name: Hashable {
      let workspace: String
      let service: String
    }

    init(_ all: [Mount]) {
      self.all = all
      byName = Dictionary(all.map { (Name($0.entrance), $0) }) { first, _ in first }
      byHost = Dictionary(all.map { ($0.entrance.hostLabels, $0) }) { first, _ in first }
    }

    func mount(_ workspace: String, _ service: String) -> Mount? {
      byName[Name(workspace: workspace, service: service)]
    }

    /// - Parameter labels: the host's name without the domain, in lower case.
    func mount(host labels: String) -> Mount? { byHost[labels] }

    var fhir: [FHIRMount] {
      all.compactMap { if case .fhir(let mount) = $0 { mount } else { nil } }
    }

    var dicom: [DICOMMount] {
      all.compactMap { if case .dicom(let mount) = $0 { mount } else { nil } }
    }
  }

  private struct State {
    var table: Table
    var isStarted = false
  }

  private let state: Mutex<State>

  public init(_ mounts: [Mount] = []) { state = Mutex(State(table: Table(mounts))) }

  var current: Table { state.withLock { $0.table } }

  public var all: [Mount] { current.all }

  /// Puts a service at its place, or in the place of the one that is there.
  /// - Returns: the one that was there. It takes no new requests from the table; whoever called waits with `close`.
  @discardableResult
  public func put(_ mount: Mount) -> Mount? {
    let (before, isStarted) = state.withLock { state in
      var all = state.table.all
      let place = all.firstIndex { Table.Name($0.entrance) == Table.Name(mount.entrance) }
      let before = place.map { all[$0] }
      if let place { all[place] = mount } else { all.append(mount) }
      state.table = Table(all)
      return (before, state.isStarted)
    }
    if isStarted { mount.start() }
    return before
  }

  /// Takes a service away; new requests find nothing there.
  public func remove(workspace: String, service: String) -> Mount? {
    state.withLock { state in
      let name = Table.Name(workspace: workspace, service: service)
      guard let place = state.table.all.firstIndex(where: { Table.Name($0.entrance) == name }) else { return nil }
      var all = state.table.all
      let mount = all.remove(at: place)
      state.table = Table(all)
      return mount
    }
  }

  /// Waits until a service that is no longer in the table has answered all that it had begun to, and ends its work
  /// beside requests: its store may be closed then.
  /// - Returns: false if requests were still under way after `closingSecondsMax`.
  @discardableResult
  public static func close(_ mount: Mount) async -> Bool {
    let isQuiet = await mount.entrance.close(within: closingSecondsMax)
    await mount.stop()
    return isQuiet
  }

  // MARK: The server's

  func start() {
    let mounts = state.withLock { state in
      state.isStarted = true
      return state.table.all
    }
    for mount in mounts { mount.start() }
  }

  func stop() async {
    let mounts = state.withLock { state in
      state.isStarted = false
      return state.table.all
    }
    for mount in mounts { await mount.stop() }
  }
}

extension Mounts.Table.Name {
  fileprivate init(_ entrance: Entrance) { self.init(workspace: entrance.workspace, service: entrance.name) }
}
