/// The cells that others have found, as DARTS's published code and that of its successors have them.
extension CellGenotype {
    /// By the names that those files give them.
    public static let published: [(name: String, genotype: CellGenotype)] = [
        ("DARTS_V1", dartsV1), ("DARTS_V2", dartsV2), ("PDARTS", pdarts), ("PC_DARTS_cifar", pcdartsCIFAR),
        ("PC_DARTS_image", pcdartsImageNet), ("NASNet", nasnet), ("AmoebaNet", amoebanet),
    ]

    /// DARTS of first order, on CIFAR-10 (Liu, Simonyan and Yang, 2019).
    public static let dartsV1 = CellGenotype(
        normal: Cell(edges: [
            Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 0),
            Edge("skip_connect", 0), Edge("sep_conv_3x3", 1),
            Edge("skip_connect", 0), Edge("sep_conv_3x3", 1),
            Edge("sep_conv_3x3", 0), Edge("skip_connect", 2),
        ]),
        reduction: Cell(edges: [
            Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1),
            Edge("skip_connect", 2), Edge("max_pool_3x3", 0),
            Edge("max_pool_3x3", 0), Edge("skip_connect", 2),
            Edge("skip_connect", 2), Edge("avg_pool_3x3", 0),
        ]))

    /// DARTS of second order, on CIFAR-10 (Liu, Simonyan and Yang, 2019).
    public static let dartsV2 = CellGenotype(
        normal: Cell(edges: [
            Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 1),
            Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 1),
            Edge("sep_conv_3x3", 1), Edge("skip_connect", 0),
            Edge("skip_connect", 0), Edge("dil_conv_3x3", 2),
        ]),
        reduction: Cell(edges: [
            Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1),
            Edge("skip_connect", 2), Edge("max_pool_3x3", 1),
            Edge("max_pool_3x3", 0), Edge("skip_connect", 2),
            Edge("skip_connect", 2), Edge("max_pool_3x3", 1),
        ]))

    /// P-DARTS, on CIFAR-10 (Chen et al., 2019).
    public static let pdarts = CellGenotype(
        normal: Cell(edges: [
            Edge("skip_connect", 0), Edge("dil_conv_3x3", 1),
            Edge("skip_connect", 0), Edge("sep_conv_3x3", 1),
            Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 3),
            Edge("sep_conv_3x3", 0), Edge("dil_conv_5x5", 4),
        ]),
        reduction: Cell(edges: [
            Edge("avg_pool_3x3", 0), Edge("sep_conv_5x5", 1),
            Edge("sep_conv_3x3", 0), Edge("dil_conv_5x5", 2),
            Edge("max_pool_3x3", 0), Edge("dil_conv_3x3", 1),
            Edge("dil_conv_3x3", 1), Edge("dil_conv_5x5", 3),
        ]))

    /// PC-DARTS, on CIFAR-10 (Xu et al., 2020).
    public static let pcdartsCIFAR = CellGenotype(
        normal: Cell(edges: [
            Edge("sep_conv_3x3", 1), Edge("skip_connect", 0),
            Edge("sep_conv_3x3", 0), Edge("dil_conv_3x3", 1),
            Edge("sep_conv_5x5", 0), Edge("sep_conv_3x3", 1),
            Edge("avg_pool_3x3", 0), Edge("dil_conv_3x3", 1),
        ]),
        reduction: Cell(edges: [
            Edge("sep_conv_5x5", 1), Edge("max_pool_3x3", 0),
            Edge("sep_conv_5x5", 1), Edge("sep_conv_5x5", 2),
            Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 3),
            Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 2),
        ]))

    /// PC-DARTS, on ImageNet (Xu et al., 2020).
    public static let pcdartsImageNet = CellGenotype(
        normal: Cell(edges: [
            Edge("skip_connect", 1), Edge("sep_conv_3x3", 0),
            Edge("sep_conv_3x3", 0), Edge("skip_connect", 1),
            Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 3),
            Edge("sep_conv_3x3", 1), Edge("dil_conv_5x5", 4),
        ]),
        reduction: Cell(edges: [
            Edge("sep_conv_3x3", 0), Edge("skip_connect", 1),
            Edge("dil_conv_5x5", 2), Edge("max_pool_3x3", 1),
            Edge("sep_conv_3x3", 2), Edge("sep_conv_3x3", 1),
            Edge("sep_conv_5x5", 0), Edge("sep_conv_3x3", 3),
        ]))

    /// NASNet-A, by reinforcement learning on CIFAR-10 (Zoph et al., 2018).
    public static let nasnet = CellGenotype(
        normal: Cell(edges: [
            Edge("sep_conv_5x5", 1), Edge("sep_conv_3x3", 0),
            Edge("sep_conv_5x5", 0), Edge("sep_conv_3x3", 0),
            Edge("avg_pool_3x3", 1), Edge("skip_connect", 0),
            Edge("avg_pool_3x3", 0), Edge("avg_pool_3x3", 0),
            Edge("sep_conv_3x3", 1), Edge("skip_connect", 1),
        ]),
        reduction: Cell(
            edges: [
                Edge("sep_conv_5x5", 1), Edge("sep_conv_7x7", 0),
                Edge("max_pool_3x3", 1), Edge("sep_conv_7x7", 0),
                Edge("avg_pool_3x3", 1), Edge("sep_conv_5x5", 0),
                Edge("skip_connect", 3), Edge("avg_pool_3x3", 2),
                Edge("sep_conv_3x3", 2), Edge("max_pool_3x3", 1),
            ], concatenation: [4, 5, 6]))

    /// AmoebaNet-A, by evolution on CIFAR-10 (Real et al., 2019).
    public static let amoebanet = CellGenotype(
        normal: Cell(
            edges: [
                Edge("avg_pool_3x3", 0), Edge("max_pool_3x3", 1),
                Edge("sep_conv_3x3", 0), Edge("sep_conv_5x5", 2),
                Edge("sep_conv_3x3", 0), Edge("avg_pool_3x3", 3),
                Edge("sep_conv_3x3", 1), Edge("skip_connect", 1),
                Edge("skip_connect", 0), Edge("avg_pool_3x3", 1),
            ], concatenation: [4, 5, 6]),
        reduction: Cell(
            edges: [
                Edge("avg_pool_3x3", 0), Edge("sep_conv_3x3", 1),
                Edge("max_pool_3x3", 0), Edge("sep_conv_7x7", 2),
                Edge("sep_conv_7x7", 0), Edge("avg_pool_3x3", 1),
                Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1),
                Edge("conv_7x1_1x7", 0), Edge("sep_conv_3x3", 5),
            ], concatenation: [3, 4, 6]))
}
