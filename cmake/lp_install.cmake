# What `cmake --install` puts where: libraries and headers, the CMake package
# behind find_package(Logplex CONFIG), the pkg-config files, the daemon.
include(CMakePackageConfigHelpers)
set(LP_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Logplex)

install(TARGETS logplex logplex_static logplex_parsers logplex_parsers_static
    logplex_drains logplex_drains_static logplex_viz logplex_viz_static
    EXPORT LogplexTargets)
install(DIRECTORY liblogplex/include/logplex parsers/include/logplex
    drains/include/logplex viz/include/logplex
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET logplexd)
    install(TARGETS logplexd)
endif()
install(FILES README.md CHANGELOG.md LICENSE
    DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(EXPORT LogplexTargets NAMESPACE Logplex::
    DESTINATION ${LP_PACKAGE_DIR})
configure_package_config_file(cmake/LogplexConfig.cmake.in
    ${PROJECT_BINARY_DIR}/LogplexConfig.cmake
    INSTALL_DESTINATION ${LP_PACKAGE_DIR}
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/LogplexConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/LogplexConfig.cmake
    ${PROJECT_BINARY_DIR}/LogplexConfigVersion.cmake
    DESTINATION ${LP_PACKAGE_DIR})

# The .pc files find their prefix from where they lie, so that an installed
# tree can be moved, unless the packager asked for absolute folders.
function(lp_pc_dir out dir)
    if(NOT IS_ABSOLUTE ${dir})
        set(dir "\${prefix}/${dir}")
    endif()
    set(${out} ${dir} PARENT_SCOPE)
endfunction()

if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    set(LP_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else()
    file(RELATIVE_PATH LP_PC_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p/)
    set(LP_PC_PREFIX "\${pcfiledir}/${LP_PC_PREFIX}")
endif()
lp_pc_dir(LP_PC_LIBDIR ${CMAKE_INSTALL_LIBDIR})
lp_pc_dir(LP_PC_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
foreach(pc logplex logplex-parsers logplex-drains logplex-viz)
    configure_file(cmake/${pc}.pc.in ${PROJECT_BINARY_DIR}/${pc}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${pc}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
