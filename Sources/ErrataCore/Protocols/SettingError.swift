/// What cannot be or has failed, with the setting to change.
public struct SettingError: Error, Hashable, CustomStringConvertible {
    /// As a spec has it, such as `search_space.channels`.
    public let setting: String
    public let message: String

    public init(_ setting: String, _ message: String) {
        self.setting = setting
        self.message = message
    }

    public var description: String { "\(setting): \(message)" }
}
