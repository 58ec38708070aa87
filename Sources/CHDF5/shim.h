// What Swift cannot import of HDF5: macros that expand to calls.
#ifndef CHDF5_SHIM_H
#define CHDF5_SHIM_H

#include <hdf5.h>

static inline hid_t errata_h5_float32(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t errata_h5_float64(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t errata_h5_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t errata_h5_int8(void) { return H5T_NATIVE_INT8; }
static inline hid_t errata_h5_uint16(void) { return H5T_NATIVE_UINT16; }
static inline hid_t errata_h5_int16(void) { return H5T_NATIVE_INT16; }
static inline hid_t errata_h5_uint32(void) { return H5T_NATIVE_UINT32; }
static inline hid_t errata_h5_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t errata_h5_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t errata_h5_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t errata_h5_text(void) { return H5T_C_S1; }
static inline hid_t errata_h5_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t errata_h5_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t errata_h5_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t errata_h5_link_create(void) { return H5P_LINK_CREATE; }
static inline unsigned errata_h5_read_only(void) { return H5F_ACC_RDONLY; }
static inline unsigned errata_h5_truncate(void) { return H5F_ACC_TRUNC; }

// Whether a link leads to an object of the same file: 1, 0, or negative on failure.
static inline int errata_h5_is_hard_link(hid_t group, const char *name) {
    H5L_info_t info;
    if (H5Lget_info(group, name, &info, H5P_DEFAULT) < 0) return -1;
    return info.type == H5L_TYPE_HARD;
}

// Keeps the library from printing its errors.
static inline void errata_h5_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

static herr_t errata_h5_first(unsigned depth, const H5E_error2_t *error, void *text) {
    if (depth == 0 && error->desc) {
        char *target = text;
        size_t i = 0;
        for (; i < 255 && error->desc[i]; i++) target[i] = error->desc[i];
        target[i] = 0;
    }
    return 0;
}

// The innermost description on the error stack; text holds 256 bytes.
static inline void errata_h5_message(char *text) {
    text[0] = 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, errata_h5_first, text);
}

#endif
