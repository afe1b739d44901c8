/* Crops of a decoded picture: each box cut, mirrored and scaled, straight to where it is wanted.
 *
 * Values are those of torch's antialiased linear scaling of uint8 (images/scaling.py) to the last
 * bit: weights in double precision, made whole numbers of 15 bits, and a grey level between the
 * two passes. What is summed are whole numbers, so nothing depends on their order.
 */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline))

/* Bytes of a pixel (red, green, blue and one without meaning), outputs of a block, weights of an
 * output that are multiplied at a time, bytes of a vector. */
enum { PIXEL = 4, BLOCK = 8, LANES = 8, VECTOR = 32 };

/* A box of a picture, in pixels, and where size * size pixels of it go. */
typedef struct {
    int64_t top, left, height, width, flip, size;
    uint8_t *out;
} Crop;

/* Output s is the sum over t of weight[s * count + t] * pixel[at[s] + t], shifted. */
typedef struct {
    int64_t count;
    int shift;
    int32_t *at;
    int16_t *weight;
} Axis;

typedef struct {
    Axis down, across;
    double *exact;  /* weights of an axis before they are made whole */
    int16_t *pairs; /* those of `across` as they are multiplied */
    uint8_t *lines; /* `down.count` rows of the box, scaled: row r is line r modulo their number */
    int64_t stride; /* of a line, bytes */
} Room;

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static double reach_of(int64_t length, int64_t size) {
    return length > size ? (double)length / size : 1;
}

static int64_t most_taps(int64_t length, int64_t size) {
    return least(length, (int64_t)ceil(reach_of(length, size)) * 2 + 1);
}

/* Weights of output s, in the order of torch's operations; returns how many. */
static int64_t exact_weights(int64_t s, int64_t length, int64_t size, int32_t *at,
                             double *weights) {
    double scale = (double)length / size, reach = reach_of(length, size), total = 0;
    double centre = scale * (s + 0.5), inverse = scale >= 1 ? 1 / scale : 1;
    int64_t start = most((int64_t)(centre - reach + 0.5), 0);
    int64_t end = least((int64_t)(centre + reach + 0.5), length);
    int64_t count = least(end - start, most_taps(length, size));
    for (int64_t t = 0; t < count; t++) {
        double distance = fabs((t + start - centre + 0.5) * inverse);
        weights[t] = distance < 1 ? 1 - distance : 0;
        total += weights[t];
    }
    for (int64_t t = 0; t < count; t++) weights[t] /= total;
    *at = (int32_t)start;
    return count;
}

static void mirror(int16_t *weight, int64_t count) {
    for (int64_t t = 0; t < count / 2; t++) {
        int16_t other = weight[t];
        weight[t] = weight[count - 1 - t];
        weight[count - 1 - t] = other;
    }
}

static void fill_axis(Axis *axis, int64_t length, int64_t size, int flip, double *exact) {
    int64_t room = most_taps(length, size), counts = 0;
    double largest = 0;
    memset(exact, 0, size * room * sizeof *exact);
    for (int64_t s = 0; s < size; s++)
        counts = most(counts, exact_weights(s, length, size, axis->at + s, exact + s * room));
    for (int64_t i = 0; i < size * room; i++) largest = exact[i] > largest ? exact[i] : largest;
    int shift = 0;
    while (shift < 22 && (int64_t)(0.5 + largest * (2 << shift)) < 1 << 15) shift++;
    axis->count = counts, axis->shift = shift;
    for (int64_t s = 0; s < size; s++) {
        int16_t *weight = axis->weight + s * counts;
        /* nothing behind the box is read: weights move up instead */
        int64_t moved = most(axis->at[s] + counts - length, 0);
        axis->at[s] -= (int32_t)moved;
        for (int64_t t = 0; t < moved; t++) weight[t] = 0;
        for (int64_t t = moved; t < counts; t++)
            weight[t] = (int16_t)(0.5 + exact[s * room + t - moved] * (1 << shift));
        if (!flip) continue;
        axis->at[s] = (int32_t)(length - counts) - axis->at[s];
        mirror(weight, counts);
    }
}

INLINE int32_t two(int16_t first, int16_t second) {
    return (int32_t)((uint32_t)(uint16_t)first | (uint32_t)(uint16_t)second << 16);
}

/* Of two outputs at a time their weights two by two, each couple four times: for each channel.
 * Those that fill the last block are 0. */
static void fill_pairs(Axis *axis, int64_t size, int16_t *pairs) {
    int64_t couples = (axis->count + 1) / 2, whole = (size + BLOCK - 1) / BLOCK * BLOCK;
    for (int64_t s = 0; s < whole; s++) {
        const int16_t *weight = axis->weight + s * axis->count;
        if (s >= size) axis->at[s] = 0;
        for (int64_t c = 0; c < couples; c++) {
            int32_t both = 0;
            if (s < size)
                both = two(weight[2 * c], 2 * c + 1 < axis->count ? weight[2 * c + 1] : 0);
            int16_t *to = pairs + (s / 2 * couples + c) * 2 * LANES + s % 2 * LANES;
            for (int channel = 0; channel < PIXEL; channel++)
                memcpy(to + 2 * channel, &both, sizeof both);
        }
    }
}

/* Two outputs of a row: four sums each. Four pixels are read at a time, the last of them perhaps
 * behind the box. */
AVX2 INLINE __m256i sums_across(const uint8_t *row, const int32_t *at, const int16_t *pairs,
                                int64_t couples, __m256i half) {
    const char z = -1;
    const __m256i front = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, z, 4, z, 1, z, 5, z, 2, z, 6, z, 3, z, 7, z));
    const __m256i back = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(8, z, 12, z, 9, z, 13, z, 10, z, 14, z, 11, z, 15, z));
    const __m256i *weights = (const __m256i *)pairs;
    const uint8_t *first = row + PIXEL * at[0], *second = row + PIXEL * at[1];
    __m256i sums = half;
    for (int64_t c = 0; c < couples; c += 2, first += 4 * PIXEL, second += 4 * PIXEL) {
        __m128i of_first = _mm_loadu_si128((const __m128i *)first);
        __m128i of_second = _mm_loadu_si128((const __m128i *)second);
        __m256i pixels = _mm256_inserti128_si256(_mm256_castsi128_si256(of_first), of_second, 1);
        __m256i couple = _mm256_shuffle_epi8(pixels, front);
        __m256i weight = _mm256_loadu_si256(weights + c);
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(couple, weight));
        if (c + 1 == couples) break;
        couple = _mm256_shuffle_epi8(pixels, back);
        weight = _mm256_loadu_si256(weights + c + 1);
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(couple, weight));
    }
    return sums;
}

/* A row of the box, scaled; whole blocks. */
AVX2 INLINE void narrow_by(const uint8_t *row, const Axis *axis, const int16_t *pairs,
                           int64_t couples, int64_t size, uint8_t *line) {
    const __m128i shift = _mm_cvtsi32_si128(axis->shift);
    const __m256i half = _mm256_set1_epi32((1 << axis->shift) >> 1);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const int32_t *at = axis->at;
    for (int64_t s = 0; s < size; s += BLOCK, at += BLOCK, pairs += BLOCK * couples * LANES) {
        __m256i sums[4];
        for (int p = 0; p < 4; p++) {
            const int16_t *weights = pairs + 2 * p * couples * LANES;
            sums[p] = sums_across(row, at + 2 * p, weights, couples, half);
            sums[p] = _mm256_sra_epi32(sums[p], shift);
        }
        __m256i levels = _mm256_packus_epi16(_mm256_packs_epi32(sums[0], sums[1]),
                                             _mm256_packs_epi32(sums[2], sums[3]));
        levels = _mm256_permutevar8x32_epi32(levels, order);
        _mm256_store_si256((__m256i *)(line + PIXEL * s), levels);
    }
}

AVX2 static void narrow(const uint8_t *row, const Room *room, int64_t size, uint8_t *line) {
    int64_t couples = (room->across.count + 1) / 2;
    if (couples == 1)
        narrow_by(row, &room->across, room->pairs, 1, size, line);
    else if (couples == 2)
        narrow_by(row, &room->across, room->pairs, 2, size, line);
    else
        narrow_by(row, &room->across, room->pairs, couples, size, line);
}

/* Add two lines, weighted: the sums of a vector's bytes, in the order of two unpackings. */
AVX2 INLINE void add_lines(__m256i *sums, const uint8_t *upper, const uint8_t *lower,
                           int32_t weights) {
    const __m256i zero = _mm256_setzero_si256(), both = _mm256_set1_epi32(weights);
    __m256i a = _mm256_load_si256((const __m256i *)upper);
    __m256i b = _mm256_load_si256((const __m256i *)lower);
    __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
    __m256i parts[4] = {_mm256_unpacklo_epi8(low, zero), _mm256_unpackhi_epi8(low, zero),
                        _mm256_unpacklo_epi8(high, zero), _mm256_unpackhi_epi8(high, zero)};
    for (int p = 0; p < 4; p++)
        sums[p] = _mm256_add_epi32(sums[p], _mm256_madd_epi16(parts[p], both));
}

/* A row of the crop: lines from `first` on, weighted. */
AVX2 INLINE void combine_by(const Room *room, const int16_t *weight, int64_t first, int64_t count,
                            int64_t bytes, uint8_t *out) {
    const __m128i shift = _mm_cvtsi32_si128(room->down.shift);
    const __m256i half = _mm256_set1_epi32((1 << room->down.shift) >> 1);
    for (int64_t i = 0; i < bytes; i += VECTOR) {
        __m256i sums[4] = {half, half, half, half};
        for (int64_t t = 0; t < count; t += 2) {
            int64_t other = t + 1 < count ? t + 1 : t;
            add_lines(sums, room->lines + (first + t) % count * room->stride + i,
                      room->lines + (first + other) % count * room->stride + i,
                      two(weight[t], other > t ? weight[other] : 0));
        }
        for (int p = 0; p < 4; p++) sums[p] = _mm256_sra_epi32(sums[p], shift);
        __m256i levels = _mm256_packus_epi16(_mm256_packs_epi32(sums[0], sums[1]),
                                             _mm256_packs_epi32(sums[2], sums[3]));
        if (i + VECTOR <= bytes) {
            _mm256_storeu_si256((__m256i *)(out + i), levels);
        } else {
            uint8_t last[VECTOR];
            _mm256_storeu_si256((__m256i *)last, levels);
            memcpy(out + i, last, bytes - i);
        }
    }
}

AVX2 static void combine(const Room *room, const int16_t *weight, int64_t first, int64_t bytes,
                         uint8_t *out) {
    int64_t count = room->down.count;
    if (count == 2)
        combine_by(room, weight, first, 2, bytes, out);
    else if (count == 3)
        combine_by(room, weight, first, 3, bytes, out);
    else if (count == 4)
        combine_by(room, weight, first, 4, bytes, out);
    else
        combine_by(room, weight, first, count, bytes, out);
}

static void cut(const uint8_t *pixels, int64_t step, const Crop *crop, Room *room) {
    int64_t size = crop->size, made = 0;
    const uint8_t *box = pixels + crop->top * step + PIXEL * crop->left;
    fill_axis(&room->down, crop->height, size, 0, room->exact);
    fill_axis(&room->across, crop->width, size, crop->flip != 0, room->exact);
    fill_pairs(&room->across, size, room->pairs);
    for (int64_t r = 0; r < size; r++) {
        int64_t first = room->down.at[r], count = room->down.count;
        for (made = most(made, first); made < first + count; made++)
            narrow(box + made * step, room, size, room->lines + made % count * room->stride);
        combine(room, room->down.weight + r * count, first, PIXEL * size,
                crop->out + r * PIXEL * size);
    }
}

/* Whether this processor has what `fourlenses_crops` needs. */
int fourlenses_crops_here(void) { return __builtin_cpu_supports("avx2") != 0; }

/* Cut boxes of a picture.
 * pixels: its first; step: bytes from row to row. 12 bytes behind its last pixel may be read.
 * Returns 0, or 1 without memory. */
int fourlenses_crops(const uint8_t *pixels, int64_t step, const Crop *crops, int64_t count) {
    int64_t longest = 1, smallest = INT32_MAX, largest = 1;
    for (int64_t c = 0; c < count; c++) {
        longest = most(longest, most(crops[c].height, crops[c].width));
        smallest = least(smallest, crops[c].size);
        largest = most(largest, crops[c].size);
    }
    int64_t whole = (largest + BLOCK - 1) / BLOCK * BLOCK, taps = most_taps(longest, smallest);
    Room room = {.stride = PIXEL * whole};
    room.exact = malloc(taps * whole * sizeof *room.exact);
    room.pairs = malloc((taps + 1) / 2 * LANES * whole * sizeof *room.pairs);
    room.down.at = malloc(2 * whole * sizeof *room.down.at);
    room.down.weight = malloc(2 * taps * whole * sizeof *room.down.weight);
    room.lines = aligned_alloc(VECTOR, taps * room.stride);
    int failed = !room.exact || !room.pairs || !room.down.at || !room.down.weight || !room.lines;
    if (!failed) {
        room.across.at = room.down.at + whole;
        room.across.weight = room.down.weight + taps * whole;
        for (int64_t c = 0; c < count; c++) cut(pixels, step, crops + c, &room);
    }
    free(room.exact), free(room.pairs), free(room.down.at), free(room.down.weight);
    free(room.lines);
    return failed;
}
#else
int fourlenses_crops_here(void) { return 0; }
#endif
