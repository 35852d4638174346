// Vectors by id as NumPy's .npz files: an archive of arrays, as numpy.load reads them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

/// vectors [ids, dim].
struct IdVectors {
  int dim = 0;
  std::vector<std::string> ids;  // UTF-8
  std::vector<float> vectors;
  /// In a delta: ids that are no longer there.
  std::vector<std::string> removed;
};

/// Writes arrays `ids` (text), `vectors` (float32) and `removed` (text); whole or not at all.
/// Throws Error.
void WriteNpz(const IdVectors& all, const std::string& path);
/// What WriteNpz wrote. Throws Error on anything else.
IdVectors ReadNpz(const std::string& path);

/// Writes the vectors as tab-separated text: id, then its vector in nine digits; a line with the id
/// alone for one that was removed.
void WriteTsv(const IdVectors& all, const std::string& path);

}  // namespace zhiyin::launch::apps
