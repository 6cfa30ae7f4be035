public import Workspace

/// Makes services run; the executable does, which knows the engines.
public protocol ServiceHost: Sendable {
  /// Opens a service's store and all it needs.
  /// - Throws: `AdministrationError` where that cannot be; 501 for what is not there.
  func open(_ service: ServiceDefinition, in workspace: String) async throws(AdministrationError) -> any RunningService
}

/// A service whose store is open.
public protocol RunningService: Sendable {
  var mount: Mount { get }

  /// The same store with a changed definition of the same kind and release.
  func changed(to service: ServiceDefinition) throws(AdministrationError) -> any RunningService

  /// Closes the store. Nobody asks the service any more.
  func close() async
}
