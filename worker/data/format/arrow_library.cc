#include "worker/data/format/arrow_library.h"

#include <dlfcn.h>
#include <link.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "common/text.h"

namespace zhiyin::worker::data {
namespace {

constexpr const char* kArrowPlugin = "libzhiyin_arrow.so";
constexpr const char* kArrowFunction = "zhiyin_arrow_plugin";
constexpr const char* kHowToMake = "launch/install_packages.sh arrow, then a build, makes it";

std::vector<std::string> ArrowPlaces() {
  std::error_code error;
  const std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  return {(folder / kArrowPlugin).string(), (folder / "lib" / kArrowPlugin).string(),
          (folder.parent_path() / "lib" / kArrowPlugin).string()};
}

ArrowLibrary NoLibrary(const std::string& why) {
  return {nullptr, TextOf("needs the plugin ", kArrowPlugin, ": ", why, "; ", kHowToMake)};
}

/// The plugin's path and those of its Arrow libraries, which are loaded with it.
std::vector<std::string> FilesOfPlugin(void* library, const std::string& path) {
  std::vector<std::string> files = {path};
  link_map* loaded = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &loaded) != 0) return files;
  while (loaded->l_prev != nullptr) loaded = loaded->l_prev;
  for (; loaded != nullptr; loaded = loaded->l_next) {
    const std::string name = std::filesystem::path(loaded->l_name).filename();
    if (name.starts_with("libarrow.so") || name.starts_with("libparquet.so"))
      files.push_back(loaded->l_name);
  }
  return files;
}

ArrowLibrary LoadArrowFrom(const std::string& path) {
  // It stays loaded: libraries with threads and destructors of their own cannot be unloaded safely.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) return NoLibrary(dlerror());
  const auto function = reinterpret_cast<ZhiyinArrowPluginFunction>(dlsym(library, kArrowFunction));
  if (function == nullptr) return NoLibrary(path + " is not one");
  const ZhiyinArrowPlugin* plugin = function();
  if (plugin->version != kZhiyinArrowVersion) {
    return NoLibrary(TextOf(path, " has version ", plugin->version, ", expected ",
                            kZhiyinArrowVersion, ", that of this program"));
  }
  return {plugin, "", FilesOfPlugin(library, path)};
}

}  // namespace

ArrowLibrary LoadArrowLibrary() {
  std::string places;
  for (const std::string& path : ArrowPlaces()) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return LoadArrowFrom(path);
    places += (places.empty() ? "" : ", ") + path;
  }
  return NoLibrary("looked in " + places);
}

}  // namespace zhiyin::worker::data
