import Cells

extension CellGenotype {
    /// The cells published for DARTS of first order.
    public static let dartsV1 = CellGenotype(
        normal: Cell(edges: [
            Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 0), Edge("skip_connect", 0),
            Edge("sep_conv_3x3", 1),
            Edge("skip_connect", 0), Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 0),
            Edge("skip_connect", 2),
        ]),
        reduction: Cell(edges: [
            Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1), Edge("skip_connect", 2),
            Edge("max_pool_3x3", 0),
            Edge("max_pool_3x3", 0), Edge("skip_connect", 2), Edge("skip_connect", 2),
            Edge("avg_pool_3x3", 0),
        ]))

    /// The cells published for DARTS of second order.
    public static let dartsV2 = CellGenotype(
        normal: Cell(edges: [
            Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 0),
            Edge("sep_conv_3x3", 1),
            Edge("sep_conv_3x3", 1), Edge("skip_connect", 0), Edge("skip_connect", 0),
            Edge("dil_conv_3x3", 2),
        ]),
        reduction: Cell(edges: [
            Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1), Edge("skip_connect", 2),
            Edge("max_pool_3x3", 1),
            Edge("max_pool_3x3", 0), Edge("skip_connect", 2), Edge("skip_connect", 2),
            Edge("max_pool_3x3", 1),
        ]))
}
