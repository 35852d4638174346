// zhiyin generate: writes the generated data of a job, and the synthetic data sets `shop` and
// `search`, in any format of TableFormats().
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct GenerateWorldCommand {
  std::string world;  // shop or search
  /// Fields of the message in world.proto, as FIELD=VALUE.
  std::vector<std::string> settings;
  std::string output;  // a folder, which is made if it does not exist
  /// That of its files: a name of TableFormats(), behind which the ending of a compression may
  /// stand: csv.gz.
  std::string format = "tsv";
  bool overwrite = false;
  std::function<void(const std::string&)> print;
};

/// Writes the files of the data set and prints a description of them. An existing file is replaced
/// only when the new one is complete. Throws Error on an impossible setting, a format that is none
/// or cannot hold a file, and when a file cannot be written.
void GenerateWorld(const GenerateWorldCommand& command);

struct GenerateRowsCommand {
  std::string config;                  // a job with generated data
  std::vector<std::string> overrides;  // of its fields
  std::string output;                  // a file; the ending of its name says how it is compressed
  std::string format = "tsv";          // a name of TableFormats()
  bool overwrite = false;
};

/// Writes the lines of a job's generated data to a file. Throws Error as GenerateWorld does, and
/// for a job without such data.
void GenerateRows(const GenerateRowsCommand& command);

}  // namespace zhiyin::launch::apps
