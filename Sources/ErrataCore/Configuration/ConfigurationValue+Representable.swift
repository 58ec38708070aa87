extension ConfigurationValue: ConfigurationRepresentable {
    /// Whatever stands there: settings that somebody else is to read.
    public static var codec: ConfigurationCodec<Self> {
        .init("settings", expectation: "settings", parse: \.self, encode: \.self)
    }
}
