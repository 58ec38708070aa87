import Cells

extension CellGenotype {
    /// The cells published for PC-DARTS, searched on CIFAR-10.
    public static let pcdartsCIFAR = CellGenotype(
        normal: Cell(edges: [
            Edge("sep_conv_3x3", 1), Edge("skip_connect", 0), Edge("sep_conv_3x3", 0),
            Edge("dil_conv_3x3", 1),
            Edge("sep_conv_5x5", 0), Edge("sep_conv_3x3", 1), Edge("avg_pool_3x3", 0),
            Edge("dil_conv_3x3", 1),
        ]),
        reduction: Cell(edges: [
            Edge("sep_conv_5x5", 1), Edge("max_pool_3x3", 0), Edge("sep_conv_5x5", 1),
            Edge("sep_conv_5x5", 2),
            Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 3), Edge("sep_conv_3x3", 1),
            Edge("sep_conv_3x3", 2),
        ]))

    /// The cells published for PC-DARTS, searched on ImageNet.
    public static let pcdartsImageNet = CellGenotype(
        normal: Cell(edges: [
            Edge("skip_connect", 1), Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 0),
            Edge("skip_connect", 1),
            Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 3), Edge("sep_conv_3x3", 1),
            Edge("dil_conv_5x5", 4),
        ]),
        reduction: Cell(edges: [
            Edge("sep_conv_3x3", 0), Edge("skip_connect", 1), Edge("dil_conv_5x5", 2),
            Edge("max_pool_3x3", 1),
            Edge("sep_conv_3x3", 2), Edge("sep_conv_3x3", 1), Edge("sep_conv_5x5", 0),
            Edge("sep_conv_3x3", 3),
        ]))
}
