#include "shared.hpp"

#include <dlfcn.h>
#include <elf.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hostcuda.hpp"

namespace hostcuda {
namespace {

struct Variable {
  std::string owner;  // mangled name of the function that has the variable, without its _Z
  Area area;
};

/// Every static variable of a function, from the symbol table of the library with the kernels.
std::vector<Variable> find_variables(const void* kernel) {
  Dl_info library{};
  if (dladdr(kernel, &library) == 0) die("a kernel is in no library");
  std::ifstream stream{library.dli_fname, std::ios::binary};
  const std::string file{std::istreambuf_iterator<char>{stream}, {}};
  const auto* const header = reinterpret_cast<const Elf64_Ehdr*>(file.data());
  const auto* const sections = reinterpret_cast<const Elf64_Shdr*>(file.data() + header->e_shoff);
  std::vector<Variable> variables;
  for (int i = 0; i < header->e_shnum; ++i) {
    const Elf64_Shdr& section = sections[i];
    if (section.sh_type != SHT_SYMTAB) continue;
    const char* const names = file.data() + sections[section.sh_link].sh_offset;
    const auto* const symbols = reinterpret_cast<const Elf64_Sym*>(file.data() + section.sh_offset);
    for (std::size_t k = 0; k < section.sh_size / sizeof *symbols; ++k) {
      const std::string_view name = names + symbols[k].st_name;  // _ZZ <owner> E <variable>
      if (ELF64_ST_TYPE(symbols[k].st_info) != STT_OBJECT || !name.starts_with("_ZZ")) continue;
      if ((sections[symbols[k].st_shndx].sh_flags & SHF_WRITE) == 0) continue;  // a constant
      char* const data = static_cast<char*>(library.dli_fbase) + symbols[k].st_value;
      variables.push_back(
          {std::string{name.substr(3, name.rfind('E') - 3)}, {data, symbols[k].st_size}});
    }
  }
  return variables;
}

}  // namespace

std::vector<Area> shared_areas(const char* kernel, const void* function) {
  static const auto variables = find_variables(function);
  static std::set<std::string, std::less<>> launched;
  const std::string_view own = kernel + 2;
  launched.emplace(own);
  // What belongs to no kernel belongs to a function that any may call.
  std::vector<Area> areas;
  for (const auto& variable : variables)
    if (variable.owner == own || !launched.contains(variable.owner)) areas.push_back(variable.area);
  return areas;
}

}  // namespace hostcuda
