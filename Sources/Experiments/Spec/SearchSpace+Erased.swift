import ErrataCore

/// What can be asked of a search space whose own types are not known.
extension SearchSpace {
    /// The network's settings with every default.
    func decodeNetworkSettings(_ value: ConfigurationValue, _ decoder: inout ConfigurationDecoder)
        -> ConfigurationValue
    {
        decoder.decode(NetworkSettings.self, from: value).encoded
    }

    /// The rows of a table of the network's settings.
    package func networkSettings(path: String) -> [ConfigurationRow] { NetworkSettings().rows(path: path) }

    /// What the network's settings may be, for machines, and their defaults.
    var networkShape: (shape: ConfigurationShape, defaults: ConfigurationValue) {
        (NetworkSettings.codec.shape, NetworkSettings().encoded)
    }

    /// - Parameters:
    ///   - genotype: one of this space.
    ///   - settings: as `decodeNetworkSettings` returns them.
    /// - Throws: if the genotype is of another space, or cannot be built for these images.
    func network(
        _ genotype: any GenotypeRepresentable, _ settings: ConfigurationValue, for images: ImageSpecification
    ) throws -> any Network {
        guard let genotype = genotype as? Genotype else {
            throw RunError("a genotype of another search space: \(genotype)")
        }
        return try network(genotype, NetworkSettings(decoding: settings), for: images)
    }

    /// - Throws: `ConfigurationErrors` that say where what is wrong.
    package func readGenotype(_ value: ConfigurationValue) throws(ConfigurationErrors)
        -> any GenotypeRepresentable
    {
        try Genotype(decoding: value)
    }

    /// A genotype however people have it.
    ///
    /// - Parameter yaml: the text read as YAML, or the error of doing so.
    func readGenotype(_ text: String, yaml: Result<ConfigurationValue, any Error>) throws
        -> any GenotypeRepresentable
    {
        try Genotype(reading: text, yaml: yaml)
    }
}
