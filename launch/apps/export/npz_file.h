// Files of vectors with their ids: NumPy's .npz format, which numpy.load reads, and text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

/// Vectors and their ids. Plain data.
struct IdVectors {
  int dim = 0;
  std::vector<std::string> ids;      // [n], UTF-8
  std::vector<float> vectors;        // [n, dim]
  std::vector<std::string> removed;  // in a delta: ids of the export before that are gone
};

/// Writes the arrays `ids` [n] (text), `vectors` [n, dim] (float32) and `removed` (text) to an .npz
/// file. NumPy gives every text of an array the room of the longest one. Where that is more than
/// 64 MiB and more than 16 times what the texts have, `ids` (and likewise `removed`) is written as
/// the bytes of all texts, `ids_utf8` (uint8), and where each of them ends there, `ids_ends` [n]
/// (int64). Replaces an older file at `path` only when the new one is complete. Throws Error when
/// the file cannot be written.
void WriteNpz(const IdVectors& all, const std::string& path);
/// Reads a file that WriteNpz wrote. Throws Error on any other file.
IdVectors ReadNpz(const std::string& path);

/// Writes tab-separated text, one line for each id: the id, as TsvCell writes it, and the dim
/// numbers of its vector, with nine significant digits. A line for a removed id holds the id only.
/// Throws Error when the file cannot be written.
void WriteTsv(const IdVectors& all, const std::string& path);

}  // namespace zhiyin::launch::apps
