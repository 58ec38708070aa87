import Cells

/// DARTS with few candidates, where its search fails in ways that can be told apart (Zela et al., 2020, section 3, and
/// its published code).
extension CellSpaceSettings {
    /// S1 to S4, by their names in specs.
    static let reduced: [(name: String, summary: String, settings: CellSpaceSettings)] = [
        ("s1", "DARTS with two operations of its own on each edge", s1),
        (
            "s2", "DARTS with skip connections and separable convolutions",
            choosing(["skip_connect", "sep_conv_3x3"])
        ),
        ("s3", "S2 with none besides", choosing(["none", "skip_connect", "sep_conv_3x3"])),
        ("s4", "DARTS with noise and separable convolutions", choosing(["noise", "sep_conv_3x3"])),
    ]

    private static func choosing(_ operations: EdgeCandidates) -> CellSpaceSettings {
        var settings = CellSpaceSettings()
        settings.operations = operations
        return settings
    }

    private static let s1 = choosing(
        .each(
            normal: [
                ["skip_connect", "dil_conv_3x3"], ["skip_connect", "dil_conv_5x5"],
                ["skip_connect", "dil_conv_5x5"], ["skip_connect", "sep_conv_3x3"],
                ["skip_connect", "dil_conv_3x3"],
                ["max_pool_3x3", "skip_connect"], ["skip_connect", "sep_conv_3x3"],
                ["skip_connect", "sep_conv_3x3"], ["skip_connect", "dil_conv_3x3"],
                ["skip_connect", "sep_conv_3x3"], ["max_pool_3x3", "skip_connect"],
                ["skip_connect", "dil_conv_3x3"], ["dil_conv_3x3", "dil_conv_5x5"],
                ["dil_conv_3x3", "dil_conv_5x5"],
            ],
            reduction: [
                ["max_pool_3x3", "avg_pool_3x3"], ["max_pool_3x3", "dil_conv_3x3"],
                ["max_pool_3x3", "avg_pool_3x3"], ["max_pool_3x3", "avg_pool_3x3"],
                ["skip_connect", "dil_conv_5x5"],
                ["max_pool_3x3", "avg_pool_3x3"], ["max_pool_3x3", "sep_conv_3x3"],
                ["skip_connect", "dil_conv_3x3"], ["skip_connect", "dil_conv_5x5"],
                ["max_pool_3x3", "avg_pool_3x3"], ["max_pool_3x3", "avg_pool_3x3"],
                ["skip_connect", "dil_conv_5x5"], ["skip_connect", "dil_conv_5x5"],
                ["skip_connect", "dil_conv_5x5"],
            ]))
}
