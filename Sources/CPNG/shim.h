// libpng's simplified API, which catches its errors itself, so that none jumps through Swift's frames; and what Swift
// cannot import of it: macros with casts.
#ifndef CPNG_SHIM_H
#define CPNG_SHIM_H

#include <png.h>
#include <string.h>

// Reads the header. On failure image->message says why.
static inline int errata_png_begin(png_image *image, const void *bytes, size_t count) {
    memset(image, 0, sizeof *image);
    image->version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(image, bytes, count)) return 0;
    // Samples of 16 bits are sRGB's too, unless the file says otherwise.
    image->flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    image->format = PNG_FORMAT_RGBA;
    return 1;
}

// Reads width * height * 4 bytes and ends.
static inline int errata_png_finish(png_image *image, void *pixels) {
    return png_image_finish_read(image, NULL, pixels, 0, NULL);
}

// What went wrong, of 64 bytes at most.
static inline const char *errata_png_message(const png_image *image) { return image->message; }

// Writes a file of 8-bit samples, of 1 to 4 channels, into memory; `size` is the room and becomes the length.
static inline int errata_png_write(
    void *memory, size_t *size, const void *pixels, unsigned width, unsigned height, int channels) {
    static const png_uint_32 formats[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.width = width;
    image.height = height;
    image.format = formats[channels - 1];
    png_alloc_size_t length = *size;
    int done = png_image_write_to_memory(&image, memory, &length, 0, pixels, 0, NULL);
    *size = length;
    return done;
}

#endif
