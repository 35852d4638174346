#include "launch/apps/export/npz_file.h"

#include <zip.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/file.h"
#include "common/tsv.h"

namespace zhiyin::launch::apps {
namespace {

namespace fs = std::filesystem;

// Arrays are written as they are in memory.
static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);

/// The code points of UTF-8 text that is valid.
std::u32string Decoded(std::string_view text) {
  std::u32string points;
  for (size_t i = 0; i < text.size();) {
    const unsigned char first = static_cast<unsigned char>(text[i]);
    const size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    char32_t point = n == 1 ? first : first & (0x7fu >> n);
    for (size_t k = 1; k < n && i + k < text.size(); ++k)
      point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3fu);
    points.push_back(point);
    i += n;
  }
  return points;
}

void AppendEncoded(char32_t point, std::string* text) {
  if (point < 0x80) {
    *text += static_cast<char>(point);
    return;
  }
  const int n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  constexpr unsigned kFirst[] = {0, 0, 0xc0, 0xe0, 0xf0};
  *text += static_cast<char>(kFirst[n] | point >> (6 * (n - 1)));
  for (int k = n - 2; k >= 0; --k) *text += static_cast<char>(0x80u | (point >> (6 * k) & 0x3fu));
}

/// Version 1.0 of the format: magic, length, a Python dictionary, padding to 64 bytes.
std::string Header(const std::string& type, const std::string& shape) {
  std::string text =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  const size_t n_before = kMagic.size() + 2;
  while ((n_before + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  std::string header(kMagic);
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

/// Texts as NumPy has them, each with the room of the longest one.
std::string TextArray(const std::vector<std::string>& texts, size_t longest) {
  std::string bytes = Header("<U" + std::to_string(longest), std::to_string(texts.size()) + ",");
  for (const std::string& text : texts) {
    std::u32string one = Decoded(text);
    one.resize(longest, U'\0');
    bytes.append(reinterpret_cast<const char*>(one.data()), longest * sizeof(char32_t));
  }
  return bytes;
}

/// The arrays of a list of texts, by name.
std::vector<std::pair<std::string, std::string>> TextArrays(const std::string& name,
                                                            const std::vector<std::string>& texts) {
  constexpr size_t kMaxPadded = 64 << 20;
  constexpr size_t kMaxShare = 16;
  size_t longest = 1;
  std::string all;
  std::string ends = Header("<i8", std::to_string(texts.size()) + ",");
  for (const std::string& text : texts) {
    longest = std::max(longest, Decoded(text).size());
    all += text;
    const int64_t end = static_cast<int64_t>(all.size());
    ends.append(reinterpret_cast<const char*>(&end), sizeof(end));
  }
  const size_t n_padded = texts.size() * longest * sizeof(char32_t);
  if (n_padded <= kMaxPadded || n_padded / kMaxShare <= all.size())
    return {{name + ".npy", TextArray(texts, longest)}};
  return {{name + "_utf8.npy", Header("|u1", std::to_string(all.size()) + ",") + all},
          {name + "_ends.npy", std::move(ends)}};
}

std::string FloatArray(const std::vector<float>& values, int dim) {
  const size_t n = dim == 0 ? 0 : values.size() / static_cast<size_t>(dim);
  std::string bytes = Header("<f4", std::to_string(n) + ", " + std::to_string(dim));
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

/// An archive that is closed without a trace unless it was committed.
struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

[[noreturn]] void FailNpz(const std::string& path, const std::string& what) {
  Fail(path, ": ", what);
}

/// Borrows the bytes until the archive is closed.
void AddArray(const std::string& path, const std::string& name, const std::string& bytes,
              zip_t* archive) {
  zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  const zip_int64_t at =
      source == nullptr ? -1 : zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (at < 0 ||
      zip_set_file_compression(archive, static_cast<zip_uint64_t>(at), ZIP_CM_STORE, 0) != 0)
    FailNpz(path, "cannot write " + name + ": " + zip_strerror(archive));
}

/// An array as WriteNpz writes it.
struct Array {
  std::string type;
  std::vector<size_t> shape;
  std::string data;
};

Array ReadArray(const std::string& path, const std::string& name, zip_t* archive) {
  const auto damaged = [&](const char* what) {
    FailNpz(path, name + ": " + what + ", expected an array that zhiyin export wrote");
  };
  zip_stat_t facts;
  if (zip_stat(archive, name.c_str(), 0, &facts) != 0) damaged("is not there");
  if (facts.size > fs::file_size(path)) damaged("is larger than its file");
  std::unique_ptr<zip_file_t, decltype(&zip_fclose)> file(zip_fopen(archive, name.c_str(), 0),
                                                          &zip_fclose);
  if (file == nullptr) damaged("cannot be read");
  std::string bytes(facts.size, '\0');
  if (zip_fread(file.get(), bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size()))
    damaged("is cut short");
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + 2) damaged("is no array");
  const size_t n_header =
      static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  if (bytes.size() < 10 + n_header) damaged("is cut short");
  const std::string header = bytes.substr(10, n_header);
  Array array;
  const size_t type = header.find("'descr': '");
  const size_t shape = header.find("'shape': (");
  if (type == std::string::npos || shape == std::string::npos) damaged("has no type or shape");
  array.type = header.substr(type + 10, header.find('\'', type + 10) - type - 10);
  for (const char* at = header.c_str() + shape + 10; *at != ')' && *at != '\0';) {
    size_t n = 0;
    const auto [end, error] = std::from_chars(at, header.c_str() + header.size(), n);
    if (error == std::errc()) array.shape.push_back(n);
    at = error == std::errc() ? end : at + 1;
  }
  array.data = bytes.substr(10 + n_header);
  return array;
}

/// Reads the arrays NAME_utf8 and NAME_ends of TextArrays.
std::vector<std::string> ConnectedTextsOf(const std::string& path, const std::string& name,
                                          zip_t* archive) {
  const Array all = ReadArray(path, name + "_utf8.npy", archive);
  const Array ends = ReadArray(path, name + "_ends.npy", archive);
  bool fits = all.type == "|u1" && ends.type == "<i8" && ends.shape.size() == 1 &&
              ends.data.size() / sizeof(int64_t) == ends.shape[0];
  std::vector<std::string> texts;
  size_t begin = 0;
  for (size_t i = 0; fits && i < ends.shape[0]; ++i) {
    int64_t end = 0;
    std::memcpy(&end, ends.data.data() + i * sizeof(int64_t), sizeof(int64_t));
    fits = end >= static_cast<int64_t>(begin) && end <= static_cast<int64_t>(all.data.size());
    if (!fits) break;
    texts.push_back(all.data.substr(begin, static_cast<size_t>(end) - begin));
    begin = static_cast<size_t>(end);
  }
  if (!fits) FailNpz(path, name + "_ends.npy: is no list of texts");
  return texts;
}

/// Reads the arrays of TextArrays.
std::vector<std::string> TextsOf(const std::string& path, const std::string& list, zip_t* archive) {
  const std::string name = list + ".npy";
  if (zip_name_locate(archive, name.c_str(), 0) < 0) return ConnectedTextsOf(path, list, archive);
  const Array array = ReadArray(path, name, archive);
  size_t length = 0;
  const char* const end = array.type.data() + array.type.size();
  if (!array.type.starts_with("<U") ||
      std::from_chars(array.type.data() + 2, end, length).ptr != end || array.shape.size() != 1 ||
      length == 0 || array.data.size() / sizeof(char32_t) / length != array.shape[0])
    FailNpz(path, name + ": is no list of texts");
  std::vector<std::string> texts(array.shape[0]);
  for (size_t i = 0; i < texts.size(); ++i) {
    for (size_t c = 0; c < length; ++c) {
      char32_t point = 0;
      std::memcpy(&point, array.data.data() + (i * length + c) * sizeof(char32_t),
                  sizeof(char32_t));
      if (point == 0) break;
      AppendEncoded(point, &texts[i]);
    }
  }
  return texts;
}

}  // namespace

void WriteNpz(const IdVectors& all, const std::string& path) {
  auto arrays = TextArrays("ids", all.ids);
  arrays.emplace_back("vectors.npy", FloatArray(all.vectors, all.dim));
  for (auto& array : TextArrays("removed", all.removed)) arrays.push_back(std::move(array));
  const std::string unfinished = path + ".unfinished";
  int error = 0;
  Archive archive(zip_open(unfinished.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error));
  if (archive == nullptr) FailNpz(path, "cannot write, error " + std::to_string(error));
  for (const auto& [name, bytes] : arrays) AddArray(path, name, bytes, archive.get());
  if (zip_close(archive.get()) != 0)
    FailNpz(path, std::string("cannot write: ") + zip_strerror(archive.get()));
  (void)archive.release();  // closed
  Rename(unfinished, path);
}

IdVectors ReadNpz(const std::string& path) {
  int error = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &error));
  if (archive == nullptr) FailNpz(path, "cannot be read, expected a file of an earlier export");
  IdVectors all;
  all.ids = TextsOf(path, "ids", archive.get());
  all.removed = TextsOf(path, "removed", archive.get());
  const Array vectors = ReadArray(path, "vectors.npy", archive.get());
  if (vectors.type != "<f4" || vectors.shape.size() != 2 || vectors.shape[0] != all.ids.size() ||
      vectors.shape[1] > 1'000'000 ||
      vectors.data.size() != vectors.shape[0] * vectors.shape[1] * sizeof(float))
    FailNpz(path, "vectors.npy: is no vector an id");
  all.dim = static_cast<int>(vectors.shape[1]);
  all.vectors.resize(vectors.data.size() / sizeof(float));
  if (!all.vectors.empty())
    std::memcpy(all.vectors.data(), vectors.data.data(), vectors.data.size());
  return all;
}

void WriteTsv(const IdVectors& all, const std::string& path) {
  std::string text;
  char number[32];
  for (size_t i = 0; i < all.ids.size(); ++i) {
    text += TsvCell(all.ids[i]);
    for (size_t d = 0; d < static_cast<size_t>(all.dim); ++d) {
      std::snprintf(number, sizeof(number), "\t%.9g",
                    static_cast<double>(all.vectors[i * static_cast<size_t>(all.dim) + d]));
      text += number;
    }
    text += '\n';
  }
  for (const std::string& id : all.removed) text += TsvCell(id) + "\n";
  ReplaceFile(path, text);
}

}  // namespace zhiyin::launch::apps
