// Data files that are on no file system of this host: objects of S3 and the like, by their URLs,
//
//   s3://bucket/clicks/part-0.csv?region=eu-central-1
//
// They are reached by the plugin (format/arrow_library.h). Behind a question mark are options of
// Arrow's file systems; everything before it is taken as it stands, without any %20.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/raw_file.h"

namespace zhiyin::worker::data {

/// Whether the name of a data file is a URL of a place that the plugin reaches.
bool IsRemote(std::string_view name);
/// Says what is wrong with such a name where a file's name is expected; "" where nothing is.
std::string WrongRemoteName(const std::string& name);

/// The parts of such a name.
struct RemoteName {
  explicit RemoteName(const std::string& name);
  /// The name of a path, without / at its beginning, in this place.
  std::string With(const std::string& other_path) const;

  std::string root;     // "s3://bucket/"
  std::string path;     // "clicks/part-0.csv"; may end with /
  std::string options;  // "?region=eu-central-1" or ""
};

/// What is at a place.
struct RemoteEntry {
  enum class Kind { kNothing, kFile, kFolder };

  std::string name;  // in the folder that was listed
  Kind kind = Kind::kNothing;
  FileStamp stamp;  // of a file
};

/// Says what a name leads to. Throws Error, which begins with the name, where there is no plugin,
/// and where the place does not answer or refuses to.
RemoteEntry LookAtRemote(const std::string& name);
/// Lists a folder, in any order, and `recursive`: all folders inside it, too. Throws as above, and
/// where there is no folder.
std::vector<RemoteEntry> ListRemote(const std::string& name, bool recursive);

/// Opens a file. It asks for more than is wanted where it is read in order, since every piece is a
/// request: a quarter of what was read so, within kMinAheadBytes and kMaxAheadBytes. Its stamp is
/// asked for once a second at most. Throws as above, and where there is no file.
inline constexpr int64_t kMinAheadBytes = 256 << 10;
inline constexpr int64_t kMaxAheadBytes = 4 << 20;
std::unique_ptr<RawFile> OpenRemoteFile(const std::string& name);

}  // namespace zhiyin::worker::data
