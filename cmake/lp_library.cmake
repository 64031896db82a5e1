# lp_library(NAME ALIAS MAP SOURCES...): one library of ours, compiled once and
# linked twice: NAME (shared, with its symbol versions) and NAME_static. Inside
# the tree everything links the static one. ALIAS is its name behind Logplex::
# in the tree and in the installed package.

# Before 1.0 every minor number may change the ABI (SemVer 2.0.0, item 4).
if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(LP_SOVERSION 0.${PROJECT_VERSION_MINOR})
else()
    set(LP_SOVERSION ${PROJECT_VERSION_MAJOR})
endif()

function(lp_library name alias map)
    add_library(${name}_objects OBJECT ${ARGN})
    target_include_directories(${name}_objects
        PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include PRIVATE src)
    target_link_libraries(${name}_objects PRIVATE lp_flags)

    add_library(${name}_static STATIC $<TARGET_OBJECTS:${name}_objects>)
    add_library(${name} SHARED $<TARGET_OBJECTS:${name}_objects>)
    string(REPLACE "_" "-" output ${name})
    foreach(target ${name} ${name}_static)
        set_target_properties(${target} PROPERTIES
            OUTPUT_NAME ${output} LINKER_LANGUAGE C)
        target_include_directories(${target} PUBLIC
            $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:lp_flags>)
    endforeach()
    # One of ours that another one needs is beside it. What a program says of where
    # libraries are is not for those that these need (DT_RUNPATH).
    set_target_properties(${name} PROPERTIES
        EXPORT_NAME ${alias} INSTALL_RPATH "$ORIGIN"
        VERSION ${PROJECT_VERSION} SOVERSION ${LP_SOVERSION}
        LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${map})
    set_target_properties(${name}_static PROPERTIES
        EXPORT_NAME ${alias}_static)
    target_link_options(${name} PRIVATE
        -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/${map})
    if(NOT LP_SANITIZE MATCHES .) # clang's sanitizers are in the program only
        target_link_options(${name} PRIVATE -Wl,--no-undefined)
    endif()
    add_library(Logplex::${alias} ALIAS ${name})
    add_library(Logplex::${alias}_static ALIAS ${name}_static)
endfunction()
