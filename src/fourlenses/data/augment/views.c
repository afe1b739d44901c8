/* Random views of images on a CPU, an image at a time, so that it stays in the cache from its crop
 * to its last operation. The operations are those of augment.py, which says what they mean.
 *
 * compiled_views.py compiles it without fused multiply-adds and without reordered sums: every x86
 * processor gives the same bits, whichever of the clones it takes.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
#define INLINE static inline __attribute__((always_inline))
#define LANES 16

typedef float quad __attribute__((vector_size(16)));

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE };

/* Of all samples: parameters.Parameters, the weights of the blur, and where pixels are. */
typedef struct {
    const int64_t *top, *left, *height, *width; /* NULL: of crops that are there already */
    const uint8_t *flip, *jitter, *grey, *blur, *solarise;
    const int64_t *order;    /* (B, 4) */
    const double *factors;   /* (B, 4) */
    const float *taps;       /* (B, kernel) */
    const float *mean, *std; /* (3,), or NULL */
    int64_t rows, columns, size, kernel;
    int64_t image_step, channel_step, row_step, pixel_step; /* bytes */
} Work;

/* Weights of an axis: output s is the sum over t of weight[t * size + s] * pixel[at[s] + t]. */
typedef struct {
    int32_t *at;
    float *weight;
    int64_t count;
} Taps;

typedef struct {
    int64_t top, left, height, width;
    Taps down, across;
} Box;

INLINE float least(float a, float b) { return a < b ? a : b; }
INLINE float most(float a, float b) { return a > b ? a : b; }
INLINE float within(float x) { return least(most(x, 0.0f), 1.0f); }
INLINE quad quad_at(const float *pixels) {
    quad values;
    memcpy(&values, pixels, sizeof values);
    return values;
}
INLINE float luma(float red, float green, float blue) {
    return red * 0.2989f + green * 0.587f + blue * 0.114f;
}

static int64_t most_taps(int64_t length, int64_t size) {
    double scale = (double)length / size;
    int64_t taps = (int64_t)ceil(2 * (scale > 1 ? scale : 1));
    return taps < length ? taps : length;
}

/* As resample.interpolation_matrices, without the zeros. */
INLINE void fill_taps(Taps *taps, int64_t start, int64_t length, int64_t size, int mirror,
                      float gain) {
    double scale = (double)length / size, reach = scale > 1 ? scale : 1, inverse = 1 / reach;
    int64_t count = most_taps(length, size), last = start + length - count;
    taps->count = count;
    for (int64_t s = 0; s < size; s++) {
        double centre = ((mirror ? size - 1 - s : s) + 0.5) * scale + start - 0.5;
        /* the next pixel; rounded down where it is not before the box */
        int64_t at = (int64_t)(centre - reach + 4) - 3;
        at = at < start ? start : at > last ? last : at;
        float middle = (float)(centre * inverse), sum = 0;
        for (int64_t t = 0; t < count; t++) {
            float weight = most(1 - fabsf((float)((at + t) * inverse) - middle), 0);
            taps->weight[t * size + s] = weight;
            sum += weight;
        }
        float share = gain / sum;
        for (int64_t t = 0; t < count; t++) taps->weight[t * size + s] *= share;
        taps->at[s] = (int32_t)at;
    }
}

/* A row of the image as float, its channels side by side, from column first to last. Whole blocks
 * are read where these fit. */
INLINE void read_row(const Work *work, const uint8_t *row, int64_t first, int64_t last,
                     float *line) {
    const uint8_t *red = row, *green = row + work->channel_step;
    const uint8_t *blue = green + work->channel_step;
    int64_t columns = work->columns, whole = (last - first + LANES - 1) / LANES * LANES;
    if (whole <= columns) {
        first = first + whole > columns ? columns - whole : first;
        last = first + whole;
    }
    for (int64_t x = first; x < last; x++) {
        line[4 * x] = red[x];
        line[4 * x + 1] = green[x];
        line[4 * x + 2] = blue[x];
        line[4 * x + 3] = 0;
    }
}

/* Channels side by side: all are scaled by the same weights. */
INLINE void across(const float *line, const Taps *taps, int64_t size, float *out) {
    const float *weight = taps->weight;
    for (int64_t s = 0; s < size; s++, out += 4) {
        const float *pixels = line + 4 * taps->at[s];
        quad sum = weight[s] * quad_at(pixels);
        for (int64_t t = 1; t < taps->count; t++)
            sum += weight[t * size + s] * quad_at(pixels + 4 * t);
        memcpy(out, &sum, sizeof sum);
    }
}

INLINE void across_two(const float *line, const Taps *taps, int64_t size, float *out) {
    const float *first = taps->weight, *second = first + size;
    for (int64_t s = 0; s < size; s++, out += 4) {
        const float *pixels = line + 4 * taps->at[s];
        quad sum = first[s] * quad_at(pixels) + second[s] * quad_at(pixels + 4);
        memcpy(out, &sum, sizeof sum);
    }
}

INLINE void down(const float *rows, const float *weight, int64_t taps, int64_t size, float *line) {
    if (taps == 2) {
        for (int64_t i = 0; i < 4 * size; i++)
            line[i] = weight[0] * rows[i] + weight[size] * rows[4 * size + i];
        return;
    }
    for (int64_t i = 0; i < 4 * size; i++) line[i] = weight[0] * rows[i];
    for (int64_t t = 1; t < taps; t++)
        for (int64_t i = 0; i < 4 * size; i++)
            line[i] += weight[t * size] * rows[t * 4 * size + i];
}

/* Cut, scale and mirror.
 * line: a row of the image or of the view; narrow: rows of the box, scaled. Both hold four floats
 * a pixel. */
INLINE void resample(const Work *work, const uint8_t *image, const Box *box, float *line,
                     float *narrow, float *view) {
    int64_t size = work->size, count = size * size;
    for (int64_t r = 0; r < box->height; r++) {
        const uint8_t *row = image + (box->top + r) * work->row_step;
        read_row(work, row, box->left, box->left + box->width, line);
        if (box->across.count == 2)
            across_two(line, &box->across, size, narrow + r * 4 * size);
        else
            across(line, &box->across, size, narrow + r * 4 * size);
    }
    for (int64_t r = 0; r < size; r++, view += size) {
        const float *rows = narrow + (box->down.at[r] - box->top) * 4 * size;
        down(rows, box->down.weight + r, box->down.count, size, line);
        /* rounding leaves sums of weights a few 1e-7 above 1 */
        for (int64_t s = 0; s < size; s++) {
            view[s] = least(line[4 * s], 1.0f);
            view[count + s] = least(line[4 * s + 1], 1.0f);
            view[2 * count + s] = least(line[4 * s + 2], 1.0f);
        }
    }
}

INLINE void convert(const Work *work, const uint8_t *plane, float *out) {
    int64_t size = work->size, step = work->pixel_step;
    for (int64_t r = 0; r < size; r++, out += size, plane += work->row_step)
        for (int64_t s = 0; s < size; s++) out[s] = plane[s * step] / 255.0f;
}

/* The mean, by partial sums in a fixed order. */
INLINE double mean_of(const float *x, int64_t count) {
    double total = 0;
    int64_t i = 0;
    while (i + LANES <= count) {
        float sums[LANES] = {0};
        for (int part = 0; part < 32 && i + LANES <= count; part++, i += LANES)
            for (int lane = 0; lane < LANES; lane++) sums[lane] += x[i + lane];
        for (int lane = 0; lane < LANES; lane++) total += sums[lane];
    }
    for (; i < count; i++) total += x[i];
    return total / count;
}

INLINE void scale(float *x, int64_t count, float factor, float offset) {
    for (int64_t i = 0; i < count; i++) x[i] = within(x[i] * factor + offset);
}

INLINE void saturate(float *restrict red, float *restrict green, float *restrict blue,
                     int64_t count, float factor) {
    float rest = 1 - factor;
    for (int64_t i = 0; i < count; i++) {
        float grey = rest * luma(red[i], green[i], blue[i]);
        red[i] = within(red[i] * factor + grey);
        green[i] = within(green[i] * factor + grey);
        blue[i] = within(blue[i] * factor + grey);
    }
}

INLINE float channel_of_hue(float hue, float offset, float low, float spread) {
    float turned = hue + offset; /* positive */
    float distance = fabsf(turned - (float)(int32_t)turned - 0.5f);
    return low + spread * within(2 - 6 * distance);
}

/* As colour.shift_hue, where it is derived. */
INLINE void shift_hue(float *restrict red, float *restrict green, float *restrict blue,
                      int64_t count, double turns) {
    float of_red = (float)(turns + 2.5), of_green = (float)(turns - 1 / 3.0 + 2.5),
          of_blue = (float)(turns - 2 / 3.0 + 2.5);
    for (int64_t i = 0; i < count; i++) {
        float low = least(least(red[i], green[i]), blue[i]);
        float spread = most(most(red[i], green[i]), blue[i]) - low;
        float from_red = green[i] + blue[i] - red[i] - low;
        float hue = (1 / 6.0f) + (1 / 6.0f) * (from_red / most(spread, 1e-12f));
        hue = green[i] < blue[i] ? -hue : hue;
        red[i] = channel_of_hue(hue, of_red, low, spread);
        green[i] = channel_of_hue(hue, of_green, low, spread);
        blue[i] = channel_of_hue(hue, of_blue, low, spread);
    }
}

INLINE void jitter(float *image, int64_t count, const int64_t *order, const double *factors) {
    float *red = image, *green = image + count, *blue = image + 2 * count;
    for (int step = 0; step < 4; step++) {
        double factor = factors[order[step]];
        if (order[step] == HUE) {
            shift_hue(red, green, blue, count, factor);
        } else if (order[step] == SATURATION) {
            saturate(red, green, blue, count, (float)factor);
        } else {
            double grey = order[step] == BRIGHTNESS ? 0 : 0.2989 * mean_of(red, count) +
                0.587 * mean_of(green, count) + 0.114 * mean_of(blue, count);
            scale(image, 3 * count, (float)factor, (float)((1 - factor) * grey));
        }
    }
}

/* The sum over taps of weights * lines, where the line of tap t is lines + t * step. */
INLINE void weighted_lines(const float *lines, int64_t step, const float *weights, int64_t taps,
                           float *out, int64_t count) {
    int64_t x = 0;
    for (; x + LANES <= count; x += LANES) {
        float sums[LANES] = {0};
        for (int64_t t = 0; t < taps; t++)
            for (int lane = 0; lane < LANES; lane++)
                sums[lane] += weights[t] * lines[t * step + x + lane];
        memcpy(out + x, sums, sizeof sums);
    }
    for (; x < count; x++) {
        float sum = 0;
        for (int64_t t = 0; t < taps; t++) sum += weights[t] * lines[t * step + x];
        out[x] = sum;
    }
}

/* As blur.gaussian_blur; room: (size + 2 radius)^2. */
INLINE void blur(float *plane, int64_t size, const float *taps, int64_t kernel, float *room) {
    int64_t radius = kernel / 2, skipped = 0;
    /* those that are too small to change a sum, at both ends */
    while (skipped < radius && taps[skipped] < 0x1p-31f) skipped++;
    taps += skipped, kernel -= 2 * skipped, radius -= skipped;
    float *line = room, *middle = room + size + 2 * radius; /* the latter (size + 2 radius, size) */
    for (int64_t y = 0; y < size; y++) {
        memcpy(line + radius, plane + y * size, size * sizeof *line);
        for (int64_t x = 1; x <= radius; x++) {
            line[radius - x] = line[radius + x];
            line[radius + size - 1 + x] = line[radius + size - 1 - x];
        }
        weighted_lines(line, 1, taps, kernel, middle + (radius + y) * size, size);
    }
    for (int64_t y = 1; y <= radius; y++) {
        memcpy(middle + (radius - y) * size, middle + (radius + y) * size, size * sizeof *line);
        memcpy(middle + (radius + size - 1 + y) * size, middle + (radius + size - 1 - y) * size,
               size * sizeof *line);
    }
    for (int64_t y = 0; y < size; y++)
        weighted_lines(middle + y * size, size, taps, kernel, plane + y * size, size);
}

INLINE void finish(const Work *work, int64_t sample, float *image, float *room) {
    int64_t count = work->size * work->size;
    if (work->jitter[sample])
        jitter(image, count, work->order + 4 * sample, work->factors + 4 * sample);
    if (work->grey[sample]) {
        for (int64_t i = 0; i < count; i++)
            image[i] = luma(image[i], image[count + i], image[2 * count + i]);
        memcpy(image + count, image, count * sizeof *image);
        memcpy(image + 2 * count, image, count * sizeof *image);
    }
    if (work->blur[sample])
        for (int channel = 0; channel < 3; channel++)
            blur(image + channel * count, work->size, work->taps + sample * work->kernel,
                 work->kernel, room);
    if (work->solarise[sample])
        for (int64_t i = 0; i < 3 * count; i++) image[i] = least(image[i], 1 - image[i]);
    if (work->mean)
        for (int channel = 0; channel < 3; channel++) {
            float mean = work->mean[channel], std = work->std[channel];
            float *plane = image + channel * count;
            for (int64_t i = 0; i < count; i++) plane[i] = (plane[i] - mean) / std;
        }
}

INLINE void fill_box(const Work *work, int64_t sample, Box *box) {
    box->top = work->top[sample], box->left = work->left[sample];
    box->height = work->height[sample], box->width = work->width[sample];
    fill_taps(&box->down, box->top, box->height, work->size, 0, 1);
    fill_taps(&box->across, box->left, box->width, work->size, work->flip[sample], 1 / 255.0f);
}

/* Views of the samples from first to last; returns 0, or 1 without memory. */
FOR_EACH_PROCESSOR int fourlenses_views(const Work *work, const uint8_t *images, float *views,
                                        int64_t first, int64_t last) {
    int64_t size = work->size, count = size * size, padded = size + work->kernel;
    int64_t down = size * most_taps(work->rows, size);
    int64_t across = size * most_taps(work->columns, size);
    int64_t narrow = 4 * work->rows * size, blurred = padded * padded;
    int64_t room_of_planes = narrow > blurred ? narrow : blurred;
    int64_t longest = 4 * (work->columns > size ? work->columns : size);
    float *room = malloc((down + across + longest + room_of_planes) * sizeof *room);
    int32_t *at = malloc(2 * size * sizeof *at);
    if (!room || !at) {
        free(room), free(at);
        return 1;
    }
    Box box = {.down = {at, room, 0}, .across = {at + size, room + down, 0}};
    float *line = room + down + across, *planes = line + longest;
    for (int64_t sample = first; sample < last; sample++) {
        const uint8_t *image = images + sample * work->image_step;
        float *view = views + 3 * count * sample;
        if (work->top) fill_box(work, sample, &box);
        if (work->top)
            resample(work, image, &box, line, planes, view);
        else
            for (int channel = 0; channel < 3; channel++)
                convert(work, image + channel * work->channel_step, view + channel * count);
        finish(work, sample, view, planes);
    }
    free(room), free(at);
    return 0;
}
