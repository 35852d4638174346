#include "tests/support/compress.h"

#include <bzlib.h>
#include <glog/logging.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace zhiyin::testing {
namespace {

/// More than any of the libraries needs for so many bytes.
size_t CompressedBound(std::string_view content) {
  return content.size() + content.size() / 50 + 1000;
}

constexpr Compression kCompressions[] = {
    {"gzip", Gzip, "gzip", true},
    {"zstd", [](std::string_view content) { return Zstd(content); }, "zstd", true},
    {"zstd_without_checksum", [](std::string_view content) { return Zstd(content, false); }, "zstd",
     false},
    {"lz4", [](std::string_view content) { return Lz4(content); }, "lz4", true},
    {"lz4_without_checksum", [](std::string_view content) { return Lz4(content, false); }, "lz4",
     false},
    {"bzip2", Bzip2, "bzip2", true},
    {"xz", Xz, "xz", true},
};

}  // namespace

std::string Gzip(std::string_view content) {
  std::string out(CompressedBound(content), '\0');
  z_stream stream = {};
  CHECK_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view content, bool checksum) {
  std::string out(ZSTD_compressBound(content.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  const size_t n = ZSTD_compress2(context, out.data(), out.size(), content.data(), content.size());
  CHECK(!ZSTD_isError(n)) << ZSTD_getErrorName(n);
  ZSTD_freeCCtx(context);
  out.resize(n);
  return out;
}

std::string Lz4(std::string_view content, bool checksum, unsigned dictionary) {
  LZ4F_preferences_t preferences = {};
  preferences.frameInfo.contentChecksumFlag =
      checksum ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
  preferences.frameInfo.dictID = dictionary;
  std::string out(LZ4F_compressFrameBound(content.size(), &preferences), '\0');
  const size_t n =
      LZ4F_compressFrame(out.data(), out.size(), content.data(), content.size(), &preferences);
  CHECK(!LZ4F_isError(n)) << LZ4F_getErrorName(n);
  out.resize(n);
  return out;
}

std::string Bzip2(std::string_view content) {
  std::string out(CompressedBound(content), '\0');
  unsigned n = static_cast<unsigned>(out.size());
  CHECK_EQ(BZ2_bzBuffToBuffCompress(out.data(), &n, const_cast<char*>(content.data()),
                                    static_cast<unsigned>(content.size()), 9, 0, 0),
           BZ_OK);
  out.resize(n);
  return out;
}

std::string Xz(std::string_view content) {
  std::string out(CompressedBound(content), '\0');
  lzma_stream stream = LZMA_STREAM_INIT;
  CHECK_EQ(lzma_easy_encoder(&stream, 1, LZMA_CHECK_CRC64), LZMA_OK);
  stream.next_in = reinterpret_cast<const uint8_t*>(content.data());
  stream.avail_in = content.size();
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = out.size();
  CHECK_EQ(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  lzma_end(&stream);
  return out;
}

std::string SkippableFrame(std::string_view content) {
  std::string frame = "\x5a\x2a\x4d\x18";
  for (size_t i = 0; i < 4; ++i) frame += static_cast<char>(content.size() >> (8 * i));
  return frame.append(content);
}

std::span<const Compression> Compressions() {
  return kCompressions;
}

}  // namespace zhiyin::testing
