/// What is wrong with a pickle.
public struct PickleError: Error, Hashable, CustomStringConvertible {
    /// `byte 17: the global 'os.system', expected plain data`.
    public let description: String

    init(_ offset: Int, _ message: String) { description = "byte \(offset): \(message)" }
}
